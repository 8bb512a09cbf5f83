"""A TLS front for a loopback server, under a certificate that nobody knows."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tap_jira_oauth.auth.private_key import make_private_key, private_pem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

LOOPBACK = "127.0.0.1"


def make_certificate(folder: Path) -> Path:
    """Write a self-signed certificate for loopback and, beside it, its key; return its path."""
    key = make_private_key(2048)
    name = _named("loopback")
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    certificate = (
        _hour(name, name, key.public_key())
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    path.with_suffix(".key").write_bytes(private_pem(key))
    return path


class Authority:
    """A private certificate authority: its certificate is `ca.pem` in a folder."""

    def __init__(self, folder: Path) -> None:
        """Make it, for an hour."""
        self._folder = folder
        self._key = make_private_key(2048)
        self._name = _named("Lake Authority")
        self.path = folder / "ca.pem"
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = _hour(self._name, self._name, self._key.public_key())
        self._identity = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(self._identity, critical=False)
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        self.path.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, whole: bool = False) -> Path:
        """Write a certificate for loopback and its key beside it, or with `whole` into one file."""
        key = make_private_key(2048)
        alternative = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address(LOOPBACK)), x509.DNSName("localhost")]
        )
        signer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identity)
        certificate = (
            _hour(_named(name), self._name, key.public_key())
            .add_extension(alternative, critical=False)
            .add_extension(signer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        path.with_suffix(".key").write_bytes(private_pem(key))
        if whole:
            path.write_bytes(path.read_bytes() + private_pem(key))
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _hour(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
    )


@contextmanager
def tls_front(certificate: Path, backend_port: int, clients: Path | None = None) -> Iterator[int]:
    """Pass TLS connections on to a plain port; yields the port to connect to.

    With `clients`, the certificate of an authority, only clients whom that has certified get in.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # the server was shut down
                while True:
                    client = server.accept()[0]
                    arguments = (client, context, backend_port)
                    threading.Thread(target=_pass_on, args=arguments, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _pass_on(client: socket.socket, context: ssl.SSLContext, backend_port: int) -> None:
    """Copy both ways until either side ends; a client that refuses the certificate just goes."""
    with (
        suppress(OSError),
        context.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as secure,
        socket.create_connection((LOOPBACK, backend_port)) as backend,
    ):
        try:
            secure.do_handshake()
        except ssl.SSLError:
            _let_it_read(secure)
            return
        other = {secure: backend, backend: secure}
        while True:
            # What TLS has decrypted already does not make the socket readable any more.
            ready = [secure] if secure.pending() else select.select(list(other), [], [])[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)


def _let_it_read(client: socket.socket) -> None:
    """Read until the client has gone: closed with its bytes unread, the connection would lose our alert."""
    socket.socket.shutdown(client, socket.SHUT_WR)
    client.settimeout(5)
    while socket.socket.recv(client, 65536):
        pass
