"""Values that no member of a request should have, by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..client.bodies import Body

__all__ = ["NOT_BASE64", "OTHER_ALGORITHMS", "WRONG_TYPES", "altered"]

NOT_BASE64: dict[str, object] = {
    "characters outside the alphabet": "@@@@",
    "one character": "A",
}
WRONG_TYPES: dict[str, object] = {
    "a number": 1,
    "a boolean": True,
    "an array": ["QUJD"],
    "an object": {"base64": "QUJD"},
}
OTHER_ALGORITHMS = ("AES_CBC", "RSAES_OAEP_SHA_256", "")


def altered(body: Body, member: str, values: dict[str, object]) -> dict[str, Body]:
    """The body with each of some values for a member, by what it says."""
    return {f"{member}: {text}": body | {member: v} for text, v in values.items()}
