"""Request quotas of a path prefix ("API operations") and the ThrottlingException."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable, Violation
from pytest_xks.certify.run.side_by_side import side_by_side

from ..client.answer import Circumstances
from ..client.bodies import ProxyOperation
from ..client.expect import error, expect, success

if TYPE_CHECKING:
    from pytest_xks.certify.targets.proxy_target import ThrottledStoreTarget

    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_HEALTH = ProxyOperation.GET_HEALTH_STATUS
_CLIENTS = 8
_MOST_AT_ONCE = 64


def _quota(proxy: ProxyClient) -> ThrottledStoreTarget:
    proxy.needs("throttling")
    assert proxy.target.throttled_store is not None, "needs() says so"
    return proxy.target.throttled_store


def _flood(proxy: ProxyClient) -> list[ProxyAnswer]:
    """More requests at once than the quota of the store allows.

    An earlier check may have used it up already.
    """
    quota = _quota(proxy)
    store = proxy.store("throttled_store", quota)
    number = quota.burst + 2 * int(quota.requests_per_second) + _CLIENTS

    def one() -> ProxyAnswer:
        return proxy.call(
            _HEALTH,
            store=store,
            label="a request of many",
            circumstances=Circumstances(repeat=number),
            paced=False,
        )

    jobs = min(number, _MOST_AT_ONCE)
    return side_by_side([one] * number, jobs=jobs, recorder=proxy.recorder)


def _another(proxy: ProxyClient) -> StoreAccess:
    """A key store that has not the quota."""
    if _quota(proxy).uri_path != proxy.main.uri_path:
        return proxy.main
    second = proxy.target.second_store
    if second is None:
        raise NotTestable("The key store with the quota is the only one.")
    return proxy.store("second_store", second)


@pytest.mark.requirement("XKS-QUOTA-001")
def test_quota_is_enforced(proxy: ProxyClient) -> None:
    """Of more requests than the quota allows, some are refused."""
    proxy.require_served([proxy.control(_HEALTH)])
    answers = _flood(proxy)
    if all(answer.status == 200 for answer in answers):
        raise Violation(
            expected=f"a refusal among {len(answers)} requests at once",
            observed="all of them were served",
            exchange=answers[-1].exchange,
        )


@pytest.mark.requirement("XKS-QUOTA-002")
def test_other_stores_are_served(proxy: ProxyClient) -> None:
    """While one store has used up its quota, another one is served.

    The other store is not tried before: an earlier check may have used up a quota that
    they share, and that is just what this one looks for.
    """
    another = _another(proxy)
    if all(answer.status == 200 for answer in _flood(proxy)):
        raise NotTestable("The quota was not used up (see XKS-QUOTA-001).")
    success(proxy.call(_HEALTH, store=another, label="another store", paced=False))


@pytest.mark.requirement("XKS-ERR-013")
def test_too_many_requests(proxy: ProxyClient) -> None:
    """A request beyond the quota is a 429 ThrottlingException."""
    proxy.require_served([proxy.control(_HEALTH)])
    refused = [answer for answer in _flood(proxy) if answer.status != 200]
    if not refused:
        raise NotTestable("No request was refused (see XKS-QUOTA-001).")
    for answer in refused:
        expect(answer, error("ThrottlingException"))
