"""A consumer's public key, in the forms that an application link takes."""

from __future__ import annotations

import base64
import binascii

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def load_public_key(text: str | bytes) -> RSAPublicKey:
    """An RSA public key as an application link takes it.

    PEM of a key or of an X.509 certificate, or the bare base64 between the PEM lines of a key.
    """
    data = text.encode() if isinstance(text, str) else text
    key: object
    try:
        if b"-----BEGIN CERTIFICATE" in data:
            key = x509.load_pem_x509_certificate(data.strip()).public_key()
        elif b"-----BEGIN" in data:
            key = serialization.load_pem_public_key(data.strip())
        else:
            key = serialization.load_der_public_key(base64.b64decode(data, validate=False))
    except (ValueError, binascii.Error) as error:
        raise ValueError(
            "the consumer's public key is neither PEM nor base64 of a public key"
        ) from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the consumer's public key is not an RSA key")  # noqa: TRY004 - wrong content, not a wrong type
    return key
