"""Chapter "API operations": paths, external key ids and key stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import AAD, KEY_OPERATIONS, PLAINTEXT, ProxyOperation
from ..client.expect import REFUSED, SERVED, Outcome, error, errors, status
from ..client.scenarios import UNKNOWN_KEY_ID, invalid, unauthenticated
from ..client.sealing import gives_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_HEALTH, _DECRYPT = ProxyOperation.GET_HEALTH_STATUS, ProxyOperation.DECRYPT
_METADATA = ProxyOperation.GET_KEY_METADATA


@pytest.mark.requirement("XKS-URI-001")
def test_another_key_does_not_decrypt(proxy: ProxyClient) -> None:
    """What one key encrypted, another key refuses, either way."""
    keys = {proxy.key("usable"): proxy.key("second")}
    keys |= {second: usable for usable, second in keys.items()}
    sealed = {key: proxy.seal(key=key) for key in keys}
    proxy.judge(
        [
            proxy.probe(
                _DECRYPT,
                sealed[mine].body(),
                altered=f"what the key {mine} encrypted, with another key",
                key=other,
            )
            for mine, other in keys.items()
        ],
        controls=[proxy.opens(each, key=key) for key, each in sealed.items()],
    )


def _expect_served_key(proxy: ProxyClient, role: str) -> None:
    """A key is served by all three operations, like the usable one."""
    key = proxy.key(role)

    def served(operation: ProxyOperation) -> Probe:
        text = f"{operation.title} with {key}"
        return proxy.probe(operation, altered=text, accept=(SERVED,), key=key)

    _, encrypted = proxy.judge([served(_METADATA), served(ProxyOperation.ENCRYPT)])
    sealed = proxy.read_sealed(encrypted, PLAINTEXT, AAD)
    decrypt = proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered=f"Decrypt with {key}",
        accept=(SERVED,),
        key=key,
        look=gives_back(sealed.plaintext),
    )
    proxy.judge([decrypt], controls=[])


@pytest.mark.requirement("XKS-URI-002")
def test_special_characters_in_a_key_id(proxy: ProxyClient) -> None:
    """A key whose id has letters, digits, hyphen, period and underscore is served."""
    _expect_served_key(proxy, "special_characters")


@pytest.mark.requirement("XKS-URI-003")
def test_longest_key_id(proxy: ProxyClient) -> None:
    """A key whose id has 128 characters is served."""
    _expect_served_key(proxy, "longest")


@pytest.mark.requirement("XKS-URI-005")
def test_illegal_key_id(proxy: ProxyClient) -> None:
    """A key id that cannot exist is an error of the key, the path or the parameter.

    KeyNotFoundException, InvalidUriPathException and ValidationException are accepted.
    """
    not_found = errors("KeyNotFoundException", "InvalidUriPathException")
    keys = {
        "129 characters": "k" * 129,
        "1024 characters": "k" * 1024,
        "a tilde": "tilde~in~it",
    }
    _judge_keys(proxy, keys, *not_found, *invalid(proxy))


@pytest.mark.requirement("XKS-ERR-011")
def test_unknown_key(proxy: ProxyClient) -> None:
    """An external key that does not exist is a 404 KeyNotFoundException."""
    keys = {"an unknown id": UNKNOWN_KEY_ID}
    _judge_keys(proxy, keys, error("KeyNotFoundException"))


def _judge_keys(proxy: ProxyClient, keys: Mapping[str, str], *accept: Outcome) -> None:
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} with a key id of {text}",
                accept=accept,
                key=key,
            )
            for text, key in keys.items()
            for operation in KEY_OPERATIONS
        ]
    )


_INVALID_PATHS = {
    "an unknown operation on a key": "{uri}/keys/{key}/sign",
    "no operation": "{uri}/keys/{key}",
    "a segment too many": "{uri}/keys/{key}/encrypt/more",
    "an unknown operation": "{uri}/healthy",
    "the URI path alone": "{uri}",
    "the operation in capitals": "{uri}/Health",
    "version 2": "{prefix}/kms/xks/v2/health",
    "no version": "{prefix}/kms/xks/health",
    "an unknown path prefix": "{prefix}/invalid/kms/xks/v1/health",
}
_SLASHES = {
    "a slash at the end": "{uri}/health/",
    "a doubled slash": "{uri}//health",
    "a doubled slash at the beginning": "/{uri}/health",
}


def _judge_paths(
    proxy: ProxyClient, paths: Mapping[str, str], *accept: Outcome
) -> None:
    """Judge GetHealthStatus at other paths, signed for the path that it names."""
    uri_path = proxy.main.uri_path
    parts = {
        "uri": uri_path,
        "key": proxy.key("usable"),
        "prefix": uri_path.removesuffix("/kms/xks/v1"),
    }
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, accept=accept, path=path.format(**parts))
            for text, path in paths.items()
        ]
    )


@pytest.mark.requirement("XKS-ERR-012")
def test_invalid_path(proxy: ProxyClient) -> None:
    """A path that is none of the API's is a 404 InvalidUriPathException."""
    _judge_paths(proxy, _INVALID_PATHS, error("InvalidUriPathException"))


@pytest.mark.requirement("XKS-URI-010")
def test_slash_too_many(proxy: ProxyClient) -> None:
    """A path with a slash too many is another path, and gets 404.

    401 is accepted, since SigV4 may normalise the path before it is verified.
    """
    _judge_paths(proxy, _SLASHES, status(404), *unauthenticated(proxy))


def _second(proxy: ProxyClient) -> StoreAccess:
    proxy.needs("second_store")
    return proxy.store("second_store", proxy.target.second_store)


@pytest.mark.requirement("XKS-URI-008")
def test_credential_of_another_store(proxy: ProxyClient) -> None:
    """The credential of one key store is refused at the path of another."""
    stores = (proxy.main, _second(proxy))
    if len({store.credential.access_key_id for store in stores}) == 1:
        raise NotTestable(
            "Both key stores have the same credential.",
            add="Give [proxy.second_store] a credential of its own.",
        )
    proxy.judge(
        [
            proxy.probe(
                _HEALTH,
                altered=f"the credential of {here.uri_path} at another path",
                store=here,
                path=there.path(_HEALTH),
            )
            for here, there in (stores, stores[::-1])
        ]
    )


@pytest.mark.requirement("XKS-URI-009")
def test_key_of_another_store(proxy: ProxyClient) -> None:
    """What the key of one store encrypted does not decrypt through another's path.

    Where the other store has a key of that id, it is another key.
    """
    store, key = _second(proxy), proxy.key("usable")
    theirs, sealed = proxy.seal(store=store), proxy.seal()
    same_id = key in set(store.keys.values())
    probe = proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered="a key of another store",
        accept=(REFUSED if same_id else error("KeyNotFoundException"),),
        key=key,
        store=store,
    )
    proxy.judge(
        [probe], controls=[proxy.opens(theirs, store=store), proxy.opens(sealed)]
    )


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
        _METADATA,
        altered="a key that this store does not have",
        accept=(error("KeyNotFoundException"),),
        key=key,
        store=store,
    )
    proxy.judge([probe], controls=[proxy.control(_METADATA, key=key)])
