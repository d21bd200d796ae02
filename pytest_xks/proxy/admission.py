"""Who is admitted: secondary authorization, and the request quota of a path prefix.

"Authorization": a proxy MAY "use information presented as part of the request (e.g. in
the requestMetadata ...) to implement another layer of fine-grained authorization
controls". GetHealthStatus is excluded; ``core`` sees to that.

"API operations": "An XKS proxy MAY implement independent request quotas on each path
prefix and respond with a ThrottlingException if that quota is exceeded."
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.clock import Clock
    from pytest_xks.proxy_api.messages import RequestMetadata

__all__ = ["Deny", "RequestQuota", "first_denial"]


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


def first_denial(
    statements: Iterable[Deny],
    metadata: RequestMetadata,
    external_key_id: str | None,
) -> Deny | None:
    """The first statement that denies a request; None if it is allowed."""
    return next(
        (each for each in statements if _matches(each, metadata, external_key_id)), None
    )


def _matches(
    statement: Deny, metadata: RequestMetadata, external_key_id: str | None
) -> bool:
    return (
        fnmatchcase(metadata.aws_principal_arn or "", statement.aws_principal_arn)
        and fnmatchcase(metadata.kms_key_arn or "", statement.kms_key_arn)
        and fnmatchcase(metadata.kms_operation or "", statement.kms_operation)
        and fnmatchcase(external_key_id or "", statement.external_key_id)
    )


class RequestQuota:
    """A token bucket: ``burst`` requests at once, then ``requests_per_second``.

    Raises:
        ValueError: a number that is not positive.
    """

    def __init__(self, *, burst: int, requests_per_second: float, clock: Clock) -> None:
        if burst < 1 or requests_per_second <= 0:
            raise ValueError("burst and requests_per_second must be positive")
        self.burst = burst
        self.requests_per_second = requests_per_second
        self._clock = clock
        self._tokens = float(burst)
        self._filled = clock.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Admit one request; False if the quota is exceeded."""
        with self._lock:
            now = self._clock.monotonic()
            gained = (now - self._filled) * self.requests_per_second
            self._tokens = min(self.burst, self._tokens + gained)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
