"""Chapter "SigV4 credentials rotation": two credentials of one key store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.targets.credential import Credential

from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.expect import SERVED

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_HEALTH = ProxyOperation.GET_HEALTH_STATUS


def _rotated(proxy: ProxyClient) -> StoreAccess:
    """The main store, by its second credential."""
    proxy.needs("rotated_credential")
    second = proxy.target.rotated_credential
    assert second is not None, "needs() says so"
    return replace(proxy.main, credential=second, credential_name="rotated")


@pytest.mark.requirement("XKS-AUTH-025")
def test_both_credentials_are_valid(proxy: ProxyClient) -> None:
    """Both credentials of a key store are good for every operation."""
    second = _rotated(proxy)
    proxy.judge(
        [
            proxy.probe(
                operation,
                # Of the first credential, which is not what this is about.
                proxy.good_body(operation),
                altered=f"{operation.title} by the second credential",
                accept=(SERVED,),
                store=second,
            )
            for operation in ALL_OPERATIONS
        ],
        controls=[proxy.control(operation) for operation in ALL_OPERATIONS],
    )


@pytest.mark.requirement("XKS-AUTH-027")
def test_id_and_secret_of_two_credentials(proxy: ProxyClient) -> None:
    """The id of one credential with the secret of another is refused."""
    stores = (proxy.main, _rotated(proxy))
    mixed = {
        name: Credential(
            of_id.credential.access_key_id, of_secret.credential.secret_access_key
        )
        for name, of_id, of_secret in (
            ("the first id with the second secret", *stores),
            ("the second id with the first secret", *stores[::-1]),
        )
    }
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} by {name}",
                signer=replace(proxy.signer(), credential=credential),
            )
            for name, credential in mixed.items()
            for operation in ALL_OPERATIONS
        ],
        controls=[
            *(proxy.control(operation) for operation in ALL_OPERATIONS),
            proxy.control(_HEALTH, store=stores[1]),
        ],
    )
