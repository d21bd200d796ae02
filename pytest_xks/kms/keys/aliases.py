"""Aliases: which names are refused, and when an alias was created and updated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import invalid

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = [
    "add_dates",
    "check_alias_has_name",
    "check_alias_name",
    "note_alias",
    "note_no_alias",
]

_PREFIX = "alias/"
_RESERVED = "alias/aws/"
_PAGE = "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"


def check_alias_name(context: Context, call: Call) -> None:
    """CreateAlias and UpdateAlias, which moto answers once the name is fine.

    Raises:
        KmsError: ValidationException (recorded on AWS), NotAuthorizedException or
            InvalidAliasNameException.
    """
    if context.trace.named["TargetKeyId"].key is None:
        return
    name = call.text("AliasName") or ""
    if not name.startswith(_PREFIX):
        raise invalid(
            f'Alias must start with the prefix "{_PREFIX}". Please see {_PAGE}'
        )
    if name.startswith(_RESERVED):
        # As of the aliases of AWS that moto knows by name.
        raise KmsError("NotAuthorizedException", "")
    check_alias_has_name(context, call)
    if call.operation == "UpdateAlias" and context.region.keys.target_of(name) is None:
        # moto 5.0 makes it.
        where, _, _ = context.trace.named["TargetKeyId"].arn.rpartition(":")
        message = f"Alias {where}:{name} is not found."
        raise KmsError(ErrorCode.NOT_FOUND, message)


def check_alias_has_name(_: Context, call: Call) -> None:
    """DeleteAlias, which moto answers otherwise; moto 5.0 finds an alias without one.

    Raises:
        KmsError: InvalidAliasNameException.
    """
    if call.text("AliasName") == _PREFIX:
        raise KmsError("InvalidAliasNameException", "The alias has no name.")


def note_alias(region: AccountRegion, call: Call, now: datetime) -> None:
    """An alias was created, or updated."""
    name, time = call.text("AliasName") or "", now.timestamp()
    created = time
    if call.operation == "UpdateAlias":
        created, _ = region.alias_dates.get(name, (time, time))
    region.alias_dates[name] = created, time


def note_no_alias(region: AccountRegion, call: Call) -> None:
    """An alias was deleted."""
    region.alias_dates.pop(call.text("AliasName") or "", None)


def add_dates(region: AccountRegion, aliases: list[dict[str, object]]) -> None:
    """Say of aliases when they were created and updated; moto does not.

    Of a standard key's they are not said: moto's own tests want none.
    """
    for alias in aliases:
        dates = region.alias_dates.get(str(alias.get("AliasName")))
        if dates and region.keys.find(str(alias.get("TargetKeyId"))):
            alias["CreationDate"], alias["LastUpdatedDate"] = dates
