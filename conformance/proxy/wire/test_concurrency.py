"""Chapter "API operations": the answers of concurrent requests do not mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..load.concurrency import judge_concurrency

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient


@pytest.mark.requirement("XKS-HTTP-010")
def test_requests_that_start_together(proxy: ProxyClient) -> None:
    """Eight clients, then 32, get their own answers, over all keys and operations.

    They go on until 15,000 pairs of requests were under way together; how many were, is
    in the report. A proxy that is unable to keep up may say so, with 429
    ThrottlingException or 503 DependencyTimeoutException.
    """
    proxy.recorder.fact("concurrent_overlaps", judge_concurrency(proxy))
