"""JSON and Base64 as the specification means them, and nothing more lenient.

What the standard library accepts beyond the standards (duplicate members, ``NaN``,
stray characters in Base64) is refused here, in one place, with a reason that never
repeats the offending value: it may be plaintext.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import NoReturn

__all__ = ["DecodingError", "decode_base64", "decode_json", "encode_base64"]


class DecodingError(ValueError):
    """Bytes or text that are not what they should be; the message says why."""


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # RFC 8259, section 4: the behaviour of software that receives duplicate names
        # is unpredictable. Two readers that disagree on a signed body are an attack.
        raise DecodingError("a JSON object has two members of the same name")
    return members


def _no_constant(name: str) -> NoReturn:
    raise DecodingError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_no_constant
)


def decode_json(data: bytes) -> object:
    """Read one JSON text (RFC 8259), encoded as UTF-8.

    Raises:
        DecodingError: invalid UTF-8, broken JSON, duplicate members, nesting deeper
            than the interpreter's stack, or a number of absurd length.
    """
    try:
        return _DECODER.decode(data.decode("utf-8"))
    except DecodingError:
        raise
    except UnicodeDecodeError:
        raise DecodingError("the text is not UTF-8") from None
    except RecursionError:
        raise DecodingError("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        reason = f"broken JSON at character {error.pos}: {error.msg}"
        raise DecodingError(reason) from None
    except ValueError:
        # int() refuses more than 4300 digits.
        raise DecodingError("a JSON number is too long") from None


def decode_base64(text: str) -> bytes:
    """Read standard Base64 (RFC 4648, section 4): padded, canonical, nothing else.

    "Background": "standard Base64 encoding as defined in RFC 4687" (sic); change log of
    1.0.2: "standard Base64 encoding (not URL-safe encoding)".

    Raises:
        DecodingError: a character outside the alphabet, wrong padding, or bits set in
            the padding (section 3.5), so that two texts would mean the same bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DecodingError("not standard Base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise DecodingError("not canonical Base64")
    return data


def encode_base64(data: bytes) -> str:
    """Write standard Base64 (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")
