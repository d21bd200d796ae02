"""Chapter "SigV4 credentials rotation": two credentials of one key store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.targets.credential import Credential

from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.expect import control, expect, success
from ..client.scenarios import unauthenticated

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess


def _with(proxy: ProxyClient, credential: Credential, name: str) -> StoreAccess:
    return replace(proxy.main, credential=credential, credential_name=name)


def _rotated(proxy: ProxyClient) -> Credential:
    proxy.needs("rotated_credential")
    assert proxy.target.rotated_credential is not None, "needs() says so"
    return proxy.target.rotated_credential


@pytest.mark.requirement("XKS-AUTH-025")
@pytest.mark.parametrize("operation", ALL_OPERATIONS, ids=lambda o: o.value)
def test_both_credentials_are_valid(
    proxy: ProxyClient, operation: ProxyOperation
) -> None:
    """Both credentials of a key store are good for every operation."""
    second = _with(proxy, _rotated(proxy), "rotated")
    control(proxy.call(operation, label="control: the first credential"))
    success(proxy.call(operation, store=second, label="the second credential"))


@pytest.mark.requirement("XKS-AUTH-027")
@pytest.mark.parametrize("swapped", [False, True], ids=["first-id", "second-id"])
def test_id_and_secret_of_two_credentials(proxy: ProxyClient, *, swapped: bool) -> None:
    """The id of one credential with the secret of another is refused."""
    first, second = proxy.main.credential, _rotated(proxy)
    health = ProxyOperation.GET_HEALTH_STATUS
    control(proxy.call(health, label="control: the first credential"))
    control(
        proxy.call(
            health,
            store=_with(proxy, second, "rotated"),
            label="control: the second credential",
        )
    )
    of_id, of_secret = (second, first) if swapped else (first, second)
    mixed = Credential(of_id.access_key_id, of_secret.secret_access_key)
    request = proxy.request(
        health, proxy.good_body(health), store=_with(proxy, mixed, "")
    )
    answer = proxy.send(replace(request, signing=None), label="probe: id and secret")
    expect(answer, *unauthenticated(proxy))
