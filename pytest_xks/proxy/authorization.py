"""Secondary authorization: who may not do what, on top of AWS's own policies.

"Authorization": a proxy MAY "use information presented as part of the request (e.g. in
the requestMetadata ...) to implement another layer of fine-grained authorization
controls". GetHealthStatus is excluded; ``core`` sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.proxy_api.messages import RequestMetadata

__all__ = ["Deny", "first_denial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """One statement: requests that match all of its patterns are denied.

    Patterns may use ``*`` and ``?``; ``*`` alone also matches what a request leaves
    out.
    """

    name: str
    """Stands in the log, so that a denial can be traced to it ("Logging")."""
    aws_principal_arn: str = "*"
    kms_key_arn: str = "*"
    kms_operation: str = "*"
    external_key_id: str = "*"

    def matches(self, metadata: RequestMetadata, external_key_id: str | None) -> bool:
        """Whether the statement denies a request."""
        return (
            fnmatchcase(metadata.aws_principal_arn or "", self.aws_principal_arn)
            and fnmatchcase(metadata.kms_key_arn or "", self.kms_key_arn)
            and fnmatchcase(metadata.kms_operation or "", self.kms_operation)
            and fnmatchcase(external_key_id or "", self.external_key_id)
        )


def first_denial(
    statements: Iterable[Deny],
    metadata: RequestMetadata,
    external_key_id: str | None,
) -> Deny | None:
    """The first statement that denies a request; None if it is allowed."""
    return next(
        (each for each in statements if each.matches(metadata, external_key_id)), None
    )
