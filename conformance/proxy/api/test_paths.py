"""Chapter "API operations": paths, external key ids and key stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import AAD, KEY_OPERATIONS, PLAINTEXT, ProxyOperation
from ..client.expect import (
    Outcome,
    control,
    error,
    errors,
    expect,
    plaintext_is,
    status,
    success,
)
from ..client.scenarios import (
    UNKNOWN_KEY_ID,
    invalid,
    invalid_ciphertext,
    unauthenticated,
)

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_ON_A_KEY = pytest.mark.parametrize(
    "operation", KEY_OPERATIONS, ids=lambda operation: operation.value
)


@pytest.mark.requirement("XKS-URI-001")
@pytest.mark.parametrize("swapped", [False, True], ids=["first", "second"])
def test_another_key_does_not_decrypt(proxy: ProxyClient, *, swapped: bool) -> None:
    """What one key encrypted, another key refuses as a corrupted ciphertext."""
    roles = ("second", "usable") if swapped else ("usable", "second")
    mine, other = (proxy.key(role) for role in roles)
    proxy.opened(proxy.seal(key=other), key=other)
    sealed = proxy.opened(proxy.seal(key=mine), key=mine)
    answer = proxy.decrypt(sealed, key=other, label="probe: with another key")
    expect(answer, *invalid_ciphertext(proxy))


def _expect_served_key(proxy: ProxyClient, role: str) -> None:
    """A key is served by all three operations, like the usable one."""
    key = proxy.key(role)
    control(
        proxy.call(ProxyOperation.GET_KEY_METADATA, label="control: the usable key")
    )
    success(proxy.call(ProxyOperation.GET_KEY_METADATA, key=key))
    answer = proxy.encrypt(aad=AAD, key=key)
    success(answer)
    sealed = proxy.read_sealed(answer, PLAINTEXT, AAD)
    plaintext_is(proxy.decrypt(sealed, key=key), PLAINTEXT)


@pytest.mark.requirement("XKS-URI-002")
def test_special_characters_in_a_key_id(proxy: ProxyClient) -> None:
    """A key whose id has letters, digits, hyphen, period and underscore is served."""
    _expect_served_key(proxy, "special_characters")


@pytest.mark.requirement("XKS-URI-003")
def test_longest_key_id(proxy: ProxyClient) -> None:
    """A key whose id has 128 characters is served."""
    _expect_served_key(proxy, "longest")


@pytest.mark.requirement("XKS-URI-005")
@pytest.mark.parametrize(
    "key",
    [
        pytest.param("k" * 129, id="129-characters"),
        pytest.param("k" * 1024, id="1024-characters"),
        pytest.param("tilde~in~it", id="tilde"),
    ],
)
@_ON_A_KEY
def test_illegal_key_id(
    proxy: ProxyClient, operation: ProxyOperation, key: str
) -> None:
    """A key id that cannot exist is an error of the key, the path or the parameter.

    KeyNotFoundException, InvalidUriPathException and ValidationException are accepted.
    """
    control(proxy.call(operation, label="control: the usable key"))
    answer = proxy.call(operation, key=key, label=f"probe: {key[:40]}")
    not_found = errors("KeyNotFoundException", "InvalidUriPathException")
    expect(answer, *not_found, *invalid(proxy))


@pytest.mark.requirement("XKS-ERR-011")
@_ON_A_KEY
def test_unknown_key(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """An external key that does not exist is a 404 KeyNotFoundException."""
    control(proxy.call(operation, label="control: the usable key"))
    answer = proxy.call(operation, key=UNKNOWN_KEY_ID, label="probe: an unknown key")
    expect(answer, error("KeyNotFoundException"))


@pytest.mark.requirement("XKS-ERR-012")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("{uri}/keys/{key}/sign", id="unknown-operation-on-a-key"),
        pytest.param("{uri}/keys/{key}", id="no-operation"),
        pytest.param("{uri}/keys/{key}/encrypt/more", id="a-segment-too-many"),
        pytest.param("{uri}/healthy", id="unknown-operation"),
        pytest.param("{uri}", id="the-uri-path-alone"),
        pytest.param("{uri}/Health", id="operation-in-capitals"),
        pytest.param("{prefix}/kms/xks/v2/health", id="version-2"),
        pytest.param("{prefix}/kms/xks/health", id="no-version"),
        pytest.param("{prefix}/invalid/kms/xks/v1/health", id="unknown-path-prefix"),
    ],
)
def test_invalid_path(proxy: ProxyClient, path: str) -> None:
    """A path that is none of the API's is a 404 InvalidUriPathException.

    The request is signed for the path that it names.
    """
    health = ProxyOperation.GET_HEALTH_STATUS
    control(proxy.call(health, label="control: the path of GetHealthStatus"))
    uri_path = proxy.main.uri_path
    path = path.format(
        uri=uri_path,
        key=proxy.key("usable"),
        prefix=uri_path.removesuffix("/kms/xks/v1"),
    )
    request = proxy.request(health, proxy.good_body(health), path=path)
    expect(proxy.send(request), error("InvalidUriPathException"))


@pytest.mark.requirement("XKS-URI-010")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("{uri}/health/", id="trailing-slash"),
        pytest.param("{uri}//health", id="doubled-slash"),
        pytest.param("/{uri}/health", id="doubled-at-the-beginning"),
    ],
)
def test_slash_too_many(proxy: ProxyClient, path: str) -> None:
    """A path with a slash too many is another path, and gets 404.

    401 is accepted, since SigV4 may normalise the path before it is verified.
    """
    health = ProxyOperation.GET_HEALTH_STATUS
    control(proxy.call(health, label="control: the path of GetHealthStatus"))
    path = path.format(uri=proxy.main.uri_path)
    request = proxy.request(health, proxy.good_body(health), path=path)
    expect(proxy.send(request), status(404), *unauthenticated(proxy))


def _second(proxy: ProxyClient) -> StoreAccess:
    proxy.needs("second_store")
    return proxy.store("second_store", proxy.target.second_store)


@pytest.mark.requirement("XKS-URI-008")
@pytest.mark.parametrize("swapped", [False, True], ids=["first", "second"])
def test_credential_of_another_store(proxy: ProxyClient, *, swapped: bool) -> None:
    """The credential of one key store is refused at the path of another."""
    here, there = proxy.main, _second(proxy)
    if swapped:
        here, there = there, here
    if here.credential.access_key_id == there.credential.access_key_id:
        raise NotTestable(
            "Both key stores have the same credential.",
            add="Give [proxy.second_store] a credential of its own.",
        )
    health = ProxyOperation.GET_HEALTH_STATUS
    for store in (here, there):
        control(proxy.call(health, store=store, label="control: its own credential"))
    request = proxy.request(
        health, proxy.good_body(health), store=here, path=there.path(health)
    )
    expect(proxy.send(request, label="probe: another store"), *unauthenticated(proxy))


def _not_reached(proxy: ProxyClient, *, same_id: bool) -> tuple[Outcome, ...]:
    if same_id:
        return invalid_ciphertext(proxy)
    return (error("KeyNotFoundException"),)


@pytest.mark.requirement("XKS-URI-009")
def test_key_of_another_store(proxy: ProxyClient) -> None:
    """What the key of one store encrypted does not decrypt through another's path.

    Where the other store has a key of that id, it is another key.
    """
    store = _second(proxy)
    proxy.opened(proxy.seal(store=store), store=store)
    sealed = proxy.opened(proxy.seal())
    key = proxy.key("usable")
    answer = proxy.decrypt(sealed, key=key, store=store, label="probe: another store")
    same_id = key in set(store.keys.values())
    expect(answer, *_not_reached(proxy, same_id=same_id))


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
    metadata = ProxyOperation.GET_KEY_METADATA
    control(proxy.call(metadata, key=key, label="control: in its own store"))
    answer = proxy.call(metadata, key=key, store=store, label="probe: in another")
    expect(answer, error("KeyNotFoundException"))
