"""The request quota of a path prefix.

"API operations": "An XKS proxy MAY implement independent request quotas on each path
prefix and respond with a ThrottlingException if that quota is exceeded."
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.clock import Clock

__all__ = ["RequestQuota"]


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
