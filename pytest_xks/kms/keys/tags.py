"""The tags of KMS keys in external key stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["check_tags"]

_TAGS_MAX = 50
_RESERVED = "aws:"


def check_tags(tags: Sequence[Mapping[str, str]], there: Collection[str] = ()) -> None:
    """Check tags that a key is to get; the messages were recorded on AWS.

    Args:
        tags: pairs of TagKey and TagValue, of the right lengths.
        there: the tag keys that the key has already.

    Raises:
        KmsError: TagException.
    """
    names = [tag["TagKey"] for tag in tags]
    if len(set(names)) != len(names):
        raise KmsError(ErrorCode.TAG, "Duplicate tag keys")
    if any(name.lower().startswith(_RESERVED) for name in names):
        raise KmsError(ErrorCode.TAG, "Tags beginning with aws: are reserved")
    if len({*names, *there}) > _TAGS_MAX:
        raise KmsError(ErrorCode.TAG, "Too many tags")
