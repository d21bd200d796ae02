"""Grants on KMS keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.validation import invalid

if TYPE_CHECKING:
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = ["retire_grant"]


def retire_grant(_: Context, call: Call) -> None:
    """RetireGrant: "use a grant token, or both the grant ID and a key identifier".

    Raises:
        KmsError: ValidationException; neither of these is there.
    """
    given = call.parameters
    if "GrantToken" not in given and not {"GrantId", "KeyId"} <= set(given):
        raise invalid("Specify a GrantToken, or both a GrantId and a KeyId.")
