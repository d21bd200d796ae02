"""Values that a member of a request must not have, and bodies that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..client.bodies import Body

__all__ = [
    "NOT_BASE64",
    "NULL",
    "OTHER_ALGORITHMS",
    "OTHER_SPELLINGS",
    "SCALARS",
    "STRUCTURES",
    "WRONG_TYPES",
    "altered",
]

NULL: dict[str, object] = {"null": None}
SCALARS: dict[str, object] = {"a number": 1, "a boolean": True}
"""What a lenient reader takes for a text."""
STRUCTURES: dict[str, object] = {
    "an array": ["QUJD"],
    "an object": {"base64": "QUJD"},
}
WRONG_TYPES: dict[str, object] = SCALARS | STRUCTURES
NOT_BASE64: dict[str, object] = {
    "characters outside the alphabet": "@@@@",
    "one character": "A",
}
OTHER_ALGORITHMS: dict[str, object] = {
    "AES_CBC": "AES_CBC",
    "AES_CTR": "AES_CTR",
    "AES_GCM_SIV": "AES_GCM_SIV",
    "CHACHA20_POLY1305": "CHACHA20_POLY1305",
    "RSAES_OAEP_SHA_256": "RSAES_OAEP_SHA_256",
    "SYMMETRIC_DEFAULT": "SYMMETRIC_DEFAULT",
    "an empty string": "",
}
OTHER_SPELLINGS: dict[str, object] = {
    repr(spelling): spelling
    for spelling in (
        "aes_gcm",
        "AES-GCM",
        "AESGCM",
        "AES_256_GCM",
        "AES/GCM/NoPadding",
        "AES_GCM ",
        " AES_GCM",
    )
}


def altered(
    body: Body, member: str, values: Mapping[str, object], *, missing: bool = False
) -> Iterator[tuple[str, Body]]:
    """Bodies with another value of a member, each with a phrase that says so.

    Args:
        body: a good body.
        member: the member to alter.
        values: what to put in its place.
        missing: whether to leave it out, too.
    """
    if missing:
        yield f"no {member}", {n: value for n, value in body.items() if n != member}
    for text, value in values.items():
        yield f"{member}: {text}", body | {member: value}
