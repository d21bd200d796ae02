"""Chapter "API operations": the key stores of two customers on one proxy.

Whether they are apart is judged by what opens: a key of one id in both stores is legal,
and so is one key in both, unless the operator claims that they are isolated.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import ALL_OPERATIONS, ProxyOperation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_USABLE = ("usable", "second")
_METADATA, _DECRYPT = ProxyOperation.GET_KEY_METADATA, ProxyOperation.DECRYPT


def _second(proxy: ProxyClient) -> StoreAccess:
    proxy.needs("second_store")
    return proxy.store("second_store", proxy.target.second_store)


def _crossed(
    proxy: ProxyClient, owner: StoreAccess, other: StoreAccess
) -> Iterator[Probe]:
    """Good requests to a store, by the credential of the other one."""
    sealed = proxy.sealed(store=owner)
    for operation in ALL_OPERATIONS:
        decrypts = operation is _DECRYPT
        yield proxy.probe(
            operation,
            sealed.body() if decrypts else proxy.good_body(operation),
            altered=f"{operation.title} at {owner.uri_path}, by a credential of "
            f"{other.uri_path}",
            store=owner,
            signer=proxy.signer(other),
        )


@pytest.mark.requirement("XKS-URI-008", "XKS-URI-012")
def test_credential_of_another_store(proxy: ProxyClient) -> None:
    """The credential of one key store is refused at the path of another."""
    first, second = proxy.main, _second(proxy)
    if first.credential.access_key_id == second.credential.access_key_id:
        raise NotTestable(
            "Both key stores have the same credential.",
            add="Give [proxy.second_store] a credential of its own.",
        )
    proxy.judge([*_crossed(proxy, first, second), *_crossed(proxy, second, first)])


@pytest.mark.requirement("XKS-URI-009", "XKS-URI-012")
def test_ciphertext_of_another_store(proxy: ProxyClient) -> None:
    """What a key of one store encrypted does not decrypt through another's path.

    Every usable key is tried, under its own id and under that of the other store's key.
    Where the other store has a key of that id, it is another key.
    """
    first, second = proxy.main, _second(proxy)
    made = [
        (owner, other, key)
        for owner, other in ((first, second), (second, first))
        for key in dict.fromkeys(owner.keys[r] for r in _USABLE if r in owner.keys)
    ]
    sealed = proxy.side_by_side(
        [partial(proxy.sealed, key=key, store=owner) for owner, _, key in made]
    )
    probes = [
        proxy.probe(
            _DECRYPT,
            ciphertext.body(),
            altered=f"a ciphertext of {owner.uri_path} at {other.uri_path}, key {id_}",
            key=id_,
            store=other,
        )
        for (owner, other, key), ciphertext in zip(made, sealed, strict=True)
        for id_ in dict.fromkeys((key, other.keys["usable"]))
    ]
    controls = [
        proxy.opens(ciphertext, key=key, store=owner)
        for (owner, _, key), ciphertext in zip(made, sealed, strict=True)
    ]
    proxy.judge(probes, controls)


@pytest.mark.requirement("XKS-URI-009")
def test_key_that_another_store_does_not_have(proxy: ProxyClient) -> None:
    """A key that only one store has is not found through the path of another."""
    store = _second(proxy)
    elsewhere = set(store.keys.values())
    key = next((key for key in proxy.target.keys.values() if key not in elsewhere), "")
    if not key:
        raise NotTestable(
            "Both key stores have keys of the same ids.",
            add="Name a key in [proxy.keys] that [proxy.second_store] does not have.",
        )
    probe = proxy.probe(
        _METADATA, altered="a key of another store", key=key, store=store
    )
    in_its_own = proxy.control(_METADATA, key=key)
    proxy.judge([probe], [in_its_own, proxy.control(_METADATA, store=store)])
