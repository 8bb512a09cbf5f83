"""Keys in every form in which people have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tap.command import run
from tap_jira_oauth.auth.private_key import (
    load_private_key,
    make_private_key,
    private_pem,
    public_pem,
)
from tap_jira_oauth.errors import ConfigurationError
from tls import make_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """One key for all tests of this file."""
    return make_private_key(2048)


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: str = "PKCS8", passphrase: str = ""
) -> str:
    """Write a key as PEM text."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    private_format = getattr(serialization.PrivateFormat, form)
    return key.private_bytes(serialization.Encoding.PEM, private_format, encryption).decode()


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\\r\\n"),
        lambda text: text.replace("\n", " "),
        lambda text: "\n".join(f"    {line}" for line in text.splitlines()),
        lambda text: f"Bag Attributes\n    friendlyName: jira\n{text}",
    ],
    ids=["plain", "escaped", "CRLF", "escaped CRLF", "spaces", "indented", "with a preamble"],
)
@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_private_key_is_read_however_it_was_pasted(
    key: rsa.RSAPrivateKey, form: str, spell: object, passphrase: str
) -> None:
    """PKCS#1 and PKCS#8, encrypted or not, with real, escaped or lost line breaks."""
    text = spell(pem(key, form, passphrase))  # type: ignore[operator]  # a function, see above
    loaded = load_private_key(text, passphrase or None)
    assert loaded.private_numbers() == key.private_numbers()


def test_each_other_text_gets_its_own_sentence(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    """What it is instead, and what to give."""
    whole = private_pem(key).decode()
    broken = whole.replace(whole[200:240], "A" * 40)
    pkcs1 = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.PKCS1
    )
    certificate = make_certificate(tmp_path).read_text()
    for text, passphrase, said in (
        (public_pem(key).decode(), None, "is a public key"),
        (pkcs1.decode(), None, "is a rsa public key"),
        (certificate, None, "is a certificate"),
        ("ssh-rsa AAAAB3NzaC1yc2E lake", None, "no PEM text"),
        (pem(key, "TraditionalOpenSSL", "right"), None, "set 'private_key_passphrase'"),
        (pem(key, "TraditionalOpenSSL", "right"), "wrong", "passphrase is wrong"),
        ("MIIE", None, "no PEM text"),
        ("", None, "no PEM text"),
        (broken[:300] + broken[-300:], None, "damaged"),
        (pem(key, passphrase="right"), None, "set 'private_key_passphrase'"),
        (pem(key, passphrase="right"), "wrong", "passphrase is wrong"),
        (pem(ec.generate_private_key(ec.SECP256R1())), None, "not an RSA key"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            load_private_key(text, passphrase)


def test_a_passphrase_for_a_key_without_one_does_no_harm(key: rsa.RSAPrivateKey) -> None:
    """People set it for good measure."""
    assert load_private_key(pem(key), "unneeded").key_size == 2048


def test_a_key_that_cannot_sign_ends_the_run_before_any_request(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    """The setting's own error, and Jira is not asked at all."""
    config = configure(private_key=public_pem(key).decode())
    del config["private_key_file"]
    result = run(tmp_path, config)
    assert result.status == 1
    assert "is a public key" in result.log
    assert connected_jira.requests == []
