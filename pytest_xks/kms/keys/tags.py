"""The tags of KMS keys, as CreateKey and TagResource take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = ["check_tags", "tag_resource"]

_TAGS_MAX = 50
_RESERVED = "aws:"


def tag_resource(context: Context, call: Call) -> None:
    """TagResource, which moto answers once the tags are fine.

    Raises:
        KmsError: TagException.
    """
    key = context.trace.named["KeyId"].key
    tags = call.parameters["Tags"]
    if key is not None and isinstance(tags, list):
        check_tags(tags, key.tag_keys())


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
