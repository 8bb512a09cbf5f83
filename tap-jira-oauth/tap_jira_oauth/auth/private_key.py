"""RSA keys: read from any PEM that people have, or made anew."""

from __future__ import annotations

import re
import textwrap

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tap_jira_oauth.errors import ConfigurationError

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.+?)-----END \1-----", re.DOTALL)

_HEADER = re.compile(r"(?:Proc-Type|DEK-Info):\s*\S+")
"""The two headers of an encrypted PKCS#1 block (RFC 1421)."""


def load_private_key(pem: str, passphrase: str | None = None) -> rsa.RSAPrivateKey:
    r"""Return the key as an object: signing with PEM text would parse it again for each request.

    PKCS#1 and PKCS#8 are read, encrypted or not; line breaks may be real, `\n` as environment
    variables and parameter stores hold them, CRLF, or lost.

    Raises:
        ConfigurationError: naming what the text is instead of a private RSA key.
    """
    kind, text = _normalised(pem)
    if "PUBLIC" in kind or "CERTIFICATE" in kind:
        raise ConfigurationError(
            f"The private key is a {kind.lower()}. Give the other half of the pair: the file that "
            "begins with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY."
        )
    secret = passphrase.encode() if passphrase and "ENCRYPTED" in text else None
    try:
        key = serialization.load_pem_private_key(text.encode(), secret)
    except TypeError as error:
        raise ConfigurationError(
            "The private key is encrypted: set 'private_key_passphrase'."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        reason = "its passphrase is wrong, or it is damaged" if secret else "it is damaged"
        raise ConfigurationError(f"The private key cannot be read: {reason}.") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError("The private key is not an RSA key; Jira takes RSA only.")
    return key


def _normalised(pem: str) -> tuple[str, str]:
    """Return the kind of the first PEM block and the block with proper line breaks."""
    match = _BLOCK.search(pem.replace("\\r", "").replace("\\n", "\n"))
    if match is None:
        raise ConfigurationError(
            "The private key is no PEM text: it must begin with -----BEGIN and end with its END "
            "line. `jira-oauth keygen` makes one."
        )
    kind, body = match.groups()
    headers = [" ".join(header.split()) for header in _HEADER.findall(body)]
    lines = textwrap.wrap(re.sub(r"\s+", "", _HEADER.sub("", body)), 64)
    blank = [""] if headers else []
    return kind, "\n".join(
        [f"-----BEGIN {kind}-----", *headers, *blank, *lines, f"-----END {kind}-----", ""]
    )


def make_private_key(bits: int) -> rsa.RSAPrivateKey:
    """Make a new key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key: rsa.RSAPrivateKey, passphrase: str | None = None) -> bytes:
    """Return PKCS#8 PEM, encrypted if there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public half as X.509 SubjectPublicKeyInfo PEM, which Jira's form takes."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
