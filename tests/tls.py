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

LOOPBACK = "127.0.0.1"


def make_certificate(folder: Path) -> Path:
    """Write a self-signed certificate for loopback and, beside it, its key; return its path."""
    key = make_private_key(2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(timezone.utc)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    path.with_suffix(".key").write_bytes(private_pem(key))
    return path


@contextmanager
def tls_front(certificate: Path, backend_port: int) -> Iterator[int]:
    """Pass TLS connections on to a plain port; yields the port to connect to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
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
        context.wrap_socket(client, server_side=True) as secure,
        socket.create_connection((LOOPBACK, backend_port)) as backend,
    ):
        other = {secure: backend, backend: secure}
        while True:
            # What TLS has decrypted already does not make the socket readable any more.
            ready = [secure] if secure.pending() else select.select(list(other), [], [])[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)
