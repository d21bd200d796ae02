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
from ..client.expect import REFUSED, SERVED, Outcome, error

if TYPE_CHECKING:
    from pytest_xks.certify.targets.proxy_target import AuthorizationTarget

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess


def _policy(proxy: ProxyClient) -> AuthorizationTarget:
    proxy.needs("authorization")
    assert proxy.target.authorization is not None, "needs() says so"
    return proxy.target.authorization


def _store(proxy: ProxyClient) -> StoreAccess:
    return proxy.store("authorization", _policy(proxy).store)


def _bodies(proxy: ProxyClient, principal: str) -> dict[ProxyOperation, Body]:
    """Good bodies, by a principal; for Decrypt, of what the allowed one sealed."""
    encrypt, decrypt = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
    allowed = request_metadata(
        encrypt, awsPrincipalArn=_policy(proxy).allowed_principal_arn
    )
    body = encrypt_body(PLAINTEXT, aad=AAD, metadata=allowed)
    control = proxy.control(encrypt, body, store=_store(proxy))
    (answer,) = proxy.require_served([control])
    sealed = proxy.read_sealed(answer, PLAINTEXT, AAD)
    metadata = {
        operation: request_metadata(operation, awsPrincipalArn=principal)
        for operation in KEY_OPERATIONS
    }
    return {
        ProxyOperation.GET_KEY_METADATA: {
            "requestMetadata": metadata[ProxyOperation.GET_KEY_METADATA]
        },
        encrypt: encrypt_body(PLAINTEXT, aad=AAD, metadata=metadata[encrypt]),
        decrypt: sealed.body(metadata=metadata[decrypt]),
    }


def _allowed(proxy: ProxyClient) -> list[Probe]:
    """Requests by the allowed principal."""
    principal = _policy(proxy).allowed_principal_arn
    return [
        proxy.control(operation, body, store=_store(proxy))
        for operation, body in _bodies(proxy, principal).items()
    ]


def _denied(proxy: ProxyClient, accept: Outcome) -> list[Probe]:
    """Requests by the denied principal."""
    principal = _policy(proxy).denied_principal_arn
    return [
        proxy.probe(
            operation,
            body,
            altered=f"{operation.title} by the denied principal",
            accept=(accept,),
            store=_store(proxy),
        )
        for operation, body in _bodies(proxy, principal).items()
    ]


@pytest.mark.requirement("XKS-AUTHZ-002")
def test_denied_principal(proxy: ProxyClient) -> None:
    """One principal may use the key, and another may not.

    With which error the other one is refused is for XKS-ERR-010.
    """
    proxy.judge(_denied(proxy, REFUSED), controls=_allowed(proxy))


@pytest.mark.requirement("XKS-ERR-010")
def test_denial_is_named(proxy: ProxyClient) -> None:
    """What is not authorized is a 403 AccessDeniedException."""
    denied = _denied(proxy, error("AccessDeniedException"))
    proxy.judge(denied, controls=_allowed(proxy))


@pytest.mark.requirement("XKS-AUTHZ-003")
def test_health_is_not_authorized(proxy: ProxyClient) -> None:
    """GetHealthStatus is served where a policy binds the keys, also to a denied one.

    KMS names no principal in it; one that is named all the same changes nothing.
    """
    policy, store = _policy(proxy), _store(proxy)
    health = ProxyOperation.GET_HEALTH_STATUS
    principals = {
        "GetHealthStatus without a principal": None,
        "GetHealthStatus by the denied principal": policy.denied_principal_arn,
    }
    proxy.judge(
        [
            proxy.probe(
                health,
                proxy.good_body(health, awsPrincipalArn=principal),
                altered=text,
                accept=(SERVED,),
                store=store,
            )
            for text, principal in principals.items()
        ],
        controls=_allowed(proxy)[:1],
    )
