"""Chapter "API operations": paths, external key ids and key stores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import AAD, KEY_OPERATIONS, PLAINTEXT, ProxyOperation
from ..client.expect import SERVED, error, status
from ..client.scenarios import UNKNOWN_KEY_ID, invalid, unauthenticated
from ..client.sealing import gives_back, read_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_METADATA, _ENCRYPT = ProxyOperation.GET_KEY_METADATA, ProxyOperation.ENCRYPT
_DECRYPT, _HEALTH = ProxyOperation.DECRYPT, ProxyOperation.GET_HEALTH_STATUS


@pytest.mark.requirement("XKS-URI-001")
def test_another_key_does_not_decrypt(proxy: ProxyClient) -> None:
    """What one key encrypted, another key refuses."""
    keys = [proxy.key(role) for role in ("usable", "second")]
    first, second = proxy.side_by_side([partial(proxy.seal, key=key) for key in keys])
    crossed = zip((first, second), reversed(keys), ("second", "usable"), strict=True)
    proxy.judge(
        [
            proxy.probe(
                _DECRYPT, sealed.body(), altered=f"with the {role} key", key=key
            )
            for sealed, key, role in crossed
        ],
        controls=[
            proxy.opens(sealed, key=key)
            for sealed, key in zip((first, second), keys, strict=True)
        ],
    )


def _expect_served_key(proxy: ProxyClient, role: str) -> None:
    """A key is served by all three operations, like the usable one."""
    probe = partial(
        proxy.probe, altered=f"the {role} key", accept=(SERVED,), key=proxy.key(role)
    )
    _, encrypted = proxy.judge([probe(_METADATA), probe(_ENCRYPT)])
    body = read_sealed(encrypted, PLAINTEXT, AAD).body()
    proxy.judge([probe(_DECRYPT, body, look=gives_back(PLAINTEXT))])


@pytest.mark.requirement("XKS-URI-002")
def test_special_characters_in_a_key_id(proxy: ProxyClient) -> None:
    """A key whose id has letters, digits, hyphen, period and underscore is served."""
    _expect_served_key(proxy, "special_characters")


@pytest.mark.requirement("XKS-URI-003")
def test_longest_key_id(proxy: ProxyClient) -> None:
    """A key whose id has 128 characters is served."""
    _expect_served_key(proxy, "longest")


_ILLEGAL_KEY_IDS = {
    "of 129 characters": "k" * 129,
    "of 1024 characters": "k" * 1024,
    "with a tilde": "tilde~in~it",
}


@pytest.mark.requirement("XKS-URI-005")
def test_illegal_key_id(proxy: ProxyClient) -> None:
    """A key id that cannot exist is an error of the key, the path or the parameter.

    These are a 404 and a 400; their names are for the chapter on errors.
    """
    accept = (status(404, 400), *invalid(proxy))
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title}, a key id {text}",
                accept=accept,
                key=key,
            )
            for operation in KEY_OPERATIONS
            for text, key in _ILLEGAL_KEY_IDS.items()
        ]
    )


@pytest.mark.requirement("XKS-ERR-011")
def test_unknown_key(proxy: ProxyClient) -> None:
    """An external key that does not exist is a 404 KeyNotFoundException."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} with an unknown key",
                accept=(error("KeyNotFoundException"),),
                key=UNKNOWN_KEY_ID,
            )
            for operation in KEY_OPERATIONS
        ]
    )


_INVALID_PATHS = {
    "an unknown operation on a key": "{uri}/keys/{key}/sign",
    "no operation": "{uri}/keys/{key}",
    "a segment too many": "{uri}/keys/{key}/encrypt/more",
    "an unknown operation": "{uri}/healthy",
    "the URI path alone": "{uri}",
    "an operation in capitals": "{uri}/Health",
    "version 2": "{prefix}/kms/xks/v2/health",
    "no version": "{prefix}/kms/xks/health",
    "an unknown path prefix": "{prefix}/invalid/kms/xks/v1/health",
}
_SLASHES_TOO_MANY = {
    "a slash at the end": "{uri}/health/",
    "a doubled slash": "{uri}//health",
    "a doubled slash at the beginning": "/{uri}/health",
}


def _paths(
    proxy: ProxyClient, templates: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    uri = proxy.main.uri_path
    prefix, key = uri.removesuffix("/kms/xks/v1"), proxy.key("usable")
    for text, template in templates.items():
        yield text, template.format(uri=uri, prefix=prefix, key=key)


@pytest.mark.requirement("XKS-ERR-012")
def test_invalid_path(proxy: ProxyClient) -> None:
    """A path that is none of the API's is a 404 InvalidUriPathException.

    The request is signed for the path that it names.
    """
    accept = (error("InvalidUriPathException"),)
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, accept=accept, path=path)
            for text, path in _paths(proxy, _INVALID_PATHS)
        ]
    )


@pytest.mark.requirement("XKS-URI-010")
def test_slash_too_many(proxy: ProxyClient) -> None:
    """A path with a slash too many is another path, and gets 404.

    401 is accepted, since SigV4 may normalise the path before it is verified.
    """
    accept = (status(404), *unauthenticated(proxy))
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, accept=accept, path=path)
            for text, path in _paths(proxy, _SLASHES_TOO_MANY)
        ]
    )


def _second(proxy: ProxyClient) -> StoreAccess:
    proxy.needs("second_store")
    return proxy.store("second_store", proxy.target.second_store)


@pytest.mark.requirement("XKS-URI-008")
def test_credential_of_another_store(proxy: ProxyClient) -> None:
    """The credential of one key store is refused at the path of another."""
    first, second = proxy.main, _second(proxy)
    if first.credential.access_key_id == second.credential.access_key_id:
        raise NotTestable(
            "Both key stores have the same credential.",
            add="Give [proxy.second_store] a credential of its own.",
        )

    def crossed(which: str, store: StoreAccess, other: StoreAccess) -> Probe:
        altered = f"the credential of the {which} store at the path of the other"
        return proxy.probe(
            _HEALTH, altered=altered, store=store, path=other.path(_HEALTH)
        )

    proxy.judge([crossed("first", first, second), crossed("second", second, first)])


@pytest.mark.requirement("XKS-URI-009")
def test_key_of_another_store(proxy: ProxyClient) -> None:
    """What the key of one store encrypted does not decrypt through another's path.

    Where the other store has a key of that id, it is another key.
    """
    store = _second(proxy)
    sealed, other = proxy.seal(), proxy.sealed(store=store)
    probe = proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered="a ciphertext of another store",
        key=proxy.key("usable"),
        store=store,
    )
    controls = [proxy.opens(sealed), proxy.opens(other, store=store)]
    proxy.judge([probe], controls)


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
