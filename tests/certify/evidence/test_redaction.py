"""A secret is replaced in every form in which it might come back."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from pytest_xks.certify.evidence.redaction import MASK, Redactor, without_signature

SECRET = "Canary0Secret/That+NobodyMayEverSee0123456789="

redactor = Redactor([SECRET, SECRET[:43]])


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(SECRET[:43], id="another-secret-within"),
        pytest.param(quote(SECRET, safe=""), id="percent-encoded"),
        pytest.param(SECRET.replace("/", "\\/"), id="json-escaped"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(SECRET.encode().hex(), id="hex"),
        pytest.param(SECRET.encode().hex().upper(), id="hex-upper"),
    ],
)
def test_forms(form):
    """Each form goes, and what is around it stays."""
    assert f"a {MASK} b" == redactor.text(f"a {form} b")
    assert f"\xff {MASK}".encode("latin-1") == redactor.raw(b"\xff " + form.encode())


def test_documents():
    """Texts are cleaned at any depth, in keys too; other values stay."""
    document = {"a": [SECRET, 1, None, True, {SECRET: 0.5}]}

    assert {"a": [MASK, 1, None, True, {MASK: 0.5}]} == redactor.document(document)


@pytest.mark.parametrize("kind", ["", "EC ", "RSA ", "ENCRYPTED "])
def test_private_keys(kind):
    """A private key goes whole, even if it was cut."""
    key = f"-----BEGIN {kind}PRIVATE KEY-----\nMIG\nabc\n"

    assert f"x{MASK}" == redactor.text(f"x{key}")
    assert f"x{MASK}y" == redactor.text(f"x{key}-----END {kind}PRIVATE KEY-----y")


def test_learned_secrets():
    """Secrets that are made during a run are known as soon as they are there."""
    made = []
    cleaner = Redactor([], learned=lambda: made)
    text = f"a{SECRET} {SECRET[:42]} {base64.b64encode(SECRET.encode()).decode()}/b"
    assert text == cleaner.text(text)

    made.append(SECRET)

    assert f"a{MASK} {SECRET[:42]} {MASK}/b" == cleaner.text(text)
    assert MASK == cleaner.text(quote(SECRET, safe=""))


def test_many_learned_secrets():
    """Each of hundreds of secrets goes, wherever it begins."""
    made = [f"{number:03}{SECRET[3:]}" for number in range(500)]
    cleaner = Redactor([], learned=lambda: made)

    assert MASK * 500 == cleaner.text("".join(made))


def test_nothing_to_hide():
    """Without secrets, texts stay as they are."""
    assert "text" == Redactor(["", ""]).text("text")


def test_repr():
    """The redactor does not betray what it knows."""
    assert SECRET not in repr(redactor)


def test_signatures():
    """An Authorization header is shown without its signature."""
    header = "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=0aF"

    assert header.replace("0aF", MASK) == without_signature(header)
