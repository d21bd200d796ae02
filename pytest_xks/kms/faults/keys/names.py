"""Names of keys: those of elsewhere, and those of none.

KMS-KEYMGMT: what the desk resolves before anything happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.exceptions import ErrorCode
from pytest_xks.kms.faults.catalogue import row
from pytest_xks.kms.faults.patterns import adjusting, renaming

if TYPE_CHECKING:
    from pytest_xks.faults import Replace
    from pytest_xks.kms.desk.context import Context

    Document = dict[str, Any]

_MEMBERS = ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId")
_PARTITION, _REGION, _ACCOUNT = 1, 3, 4


def _overlooking(part: int) -> Replace:
    """Takes the ARN of a key for the caller's whatever it names in a part."""

    def overlook(context: Context, parameters: Document) -> None:
        own = {_PARTITION: "aws", _REGION: context.region.name}
        own[_ACCOUNT] = context.region.account_id
        for member in _MEMBERS:
            parts = str(parameters.get(member) or "").split(":")
            if parts[0] == "arn" and len(parts) > _ACCOUNT:
                parts[part] = own[part]
                parameters[member] = ":".join(parts)

    return adjusting(overlook)


row(
    "partition-of-an-arn-overlooked",
    "Takes the ARN of a key of another partition for that of its own.",
    _overlooking(_PARTITION),
    violates=("KMS-KEYMGMT-014",),
)
row(
    "region-of-an-arn-overlooked",
    "Takes the ARN of a key of another Region for that of its own.",
    _overlooking(_REGION),
    violates=("KMS-KEYMGMT-014",),
)
row(
    "account-of-an-arn-overlooked",
    "Takes the ARN of a key of another account for that of its own.",
    _overlooking(_ACCOUNT),
    violates=("KMS-KEYMGMT-014",),
)
row(
    "no-key-as-validation",
    "Answers with a ValidationException where no key is found.",
    renaming(ErrorCode.NOT_FOUND, ErrorCode.VALIDATION),
    violates=("KMS-KEYMGMT-015", "KMS-KEYMGMT-016"),
)
