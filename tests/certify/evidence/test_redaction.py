"""A secret is replaced in every form in which it might come back."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_xks.certify.evidence.redaction import MASK, Redactor, without_signature

from ..conftest import CANARY as SECRET
from ..conftest import SPELLINGS

redactor = Redactor([SECRET, SECRET[:43]])


@pytest.mark.parametrize("form", [*SPELLINGS.values()], ids=[*SPELLINGS])
@pytest.mark.parametrize("kind", ["given", "learned"])
def test_spellings(kind, form):
    """In each spelling it goes, in texts and in bodies."""
    cleaner = redactor if kind == "given" else Redactor(learned=lambda: [SECRET])
    text = cleaner.text(f"{{'a': 1}} {form} <b>")
    raw = cleaner.raw(b"\xff " + form.encode())

    assert MASK in text
    assert text.startswith("{'a': 1} ")
    assert text.endswith(" <b>")
    assert 40 > len(text.replace(MASK, ""))
    assert raw.startswith(b"\xff ")
    assert MASK.encode() in raw


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(SECRET[:43], id="another-secret-within"),
        pytest.param(quote(SECRET, safe=""), id="percent-encoded"),
        pytest.param(SECRET.replace("/", "\\/"), id="json-escaped"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(SECRET.encode().hex(), id="hex"),
    ],
)
def test_what_is_around_it(form):
    """Nothing goes but the secret."""
    assert f"a {MASK} b" == redactor.text(f"a {form} b")
    assert f"\xff {MASK}".encode("latin-1") == redactor.raw(b"\xff " + form.encode())


_CHARACTER = ("{0}", "\\u{1:04x}", "\\\\u{1:04X}", "%{1:02x}", "&#{1};", "\\{1:03o}")


@given(
    choice=st.lists(
        st.sampled_from(_CHARACTER), min_size=len(SECRET), max_size=len(SECRET)
    ),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_any_mixture(choice, before, after):
    """Whatever is escaped and whatever is not, nothing of it is left."""
    spelled = "".join(
        template.format(character, ord(character))
        for template, character in zip(choice, SECRET, strict=True)
    )

    text = redactor.text(f"{before} {spelled} {after}")

    assert MASK in text
    assert not any(spelled[i : i + 24] in text for i in range(len(spelled) - 24))


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
@example("\\" * 5000)
@example("%u{&#" * 1000)
@example("&#x110000; \\U99999999 &#99999999;")
def test_any_text(text):
    """Whatever else there is stays as it is."""
    assert text == redactor.text(text)


@pytest.mark.parametrize("form", [*SPELLINGS.values()], ids=[*SPELLINGS])
def test_heads(form):
    """Of the beginning of a body, nothing that begins there is left half."""
    content = b"-" * 90 + b" " + form.encode() + b"-" * 100_000

    assert redactor.head(content, 120).startswith(b"-" * 90)
    assert MASK.encode() in redactor.head(content, 120)
    assert b"-" * 90 == redactor.head(content, 90)


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
