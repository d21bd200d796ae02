"""Chapter "Authorization": who may use an external key, where the proxy decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..client.bodies import (
    AAD,
    KEY_OPERATIONS,
    PLAINTEXT,
    Body,
    ProxyOperation,
    encrypt_body,
    request_metadata,
)
from ..client.expect import Outcome, control, error, expect, success

if TYPE_CHECKING:
    from pytest_xks.certify.targets.proxy_target import AuthorizationTarget

    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_ON_A_KEY = pytest.mark.parametrize(
    "operation", KEY_OPERATIONS, ids=lambda operation: operation.value
)

_REFUSED = Outcome(
    "a refusal", lambda answer: answer.status is not None and answer.status >= 400
)


def _policy(proxy: ProxyClient) -> AuthorizationTarget:
    proxy.needs("authorization")
    assert proxy.target.authorization is not None, "needs() says so"
    return proxy.target.authorization


def _store(proxy: ProxyClient) -> StoreAccess:
    return proxy.store("authorization", _policy(proxy).store)


def _body(proxy: ProxyClient, operation: ProxyOperation, principal: str) -> Body:
    """A good body, by a principal; for Decrypt, of what the allowed one sealed."""
    metadata = request_metadata(operation, awsPrincipalArn=principal)
    if operation is ProxyOperation.GET_KEY_METADATA:
        return {"requestMetadata": metadata}
    if operation is ProxyOperation.ENCRYPT:
        return encrypt_body(PLAINTEXT, aad=AAD, metadata=metadata)
    allowed = _policy(proxy).allowed_principal_arn
    answer = proxy.call(
        ProxyOperation.ENCRYPT,
        _body(proxy, ProxyOperation.ENCRYPT, allowed),
        store=_store(proxy),
        label="control: Encrypt by the allowed principal",
    )
    return proxy.read_sealed(answer, PLAINTEXT, AAD).body(metadata=metadata)


@pytest.mark.requirement("XKS-AUTHZ-002")
@_ON_A_KEY
def test_denied_principal(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """One principal may use the key, and another may not.

    With which error the other one is refused is for XKS-ERR-010.
    """
    policy, store = _policy(proxy), _store(proxy)
    allowed = _body(proxy, operation, policy.allowed_principal_arn)
    success(proxy.call(operation, allowed, store=store, label="the allowed principal"))
    denied = _body(proxy, operation, policy.denied_principal_arn)
    answer = proxy.call(operation, denied, store=store, label="the denied principal")
    expect(answer, _REFUSED)


@pytest.mark.requirement("XKS-ERR-010")
@_ON_A_KEY
def test_denial_is_named(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """What is not authorized is a 403 AccessDeniedException."""
    policy, store = _policy(proxy), _store(proxy)
    allowed = _body(proxy, operation, policy.allowed_principal_arn)
    control(proxy.call(operation, allowed, store=store, label="control: allowed"))
    denied = _body(proxy, operation, policy.denied_principal_arn)
    answer = proxy.call(operation, denied, store=store, label="probe: denied")
    expect(answer, error("AccessDeniedException"))


@pytest.mark.requirement("XKS-AUTHZ-003")
@pytest.mark.parametrize("named", [False, True], ids=["no-principal", "denied"])
def test_health_is_not_authorized(proxy: ProxyClient, *, named: bool) -> None:
    """GetHealthStatus is served where a policy binds the keys, also to a denied one.

    KMS names no principal in it; one that is named all the same changes nothing.
    """
    policy, store = _policy(proxy), _store(proxy)
    metadata = ProxyOperation.GET_KEY_METADATA
    allowed = _body(proxy, metadata, policy.allowed_principal_arn)
    control(proxy.call(metadata, allowed, store=store, label="control: allowed"))
    health = ProxyOperation.GET_HEALTH_STATUS
    principal = policy.denied_principal_arn if named else None
    body = proxy.good_body(health, awsPrincipalArn=principal)
    success(proxy.call(health, body, store=store, label="GetHealthStatus"))
