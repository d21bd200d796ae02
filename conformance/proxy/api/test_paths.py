"""Chapter "API operations": paths, external key ids and key stores."""

from __future__ import annotations

import uuid
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotApplicable

from ..client.bodies import AAD, KEY_OPERATIONS, PLAINTEXT, ProxyOperation
from ..client.expect import SERVED, error, status
from ..client.scenarios import UNKNOWN_KEY_ID, invalid, unauthenticated
from ..client.sealing import gives_back, read_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..client.proxy_client import ProxyClient

_METADATA, _ENCRYPT = ProxyOperation.GET_KEY_METADATA, ProxyOperation.ENCRYPT
_DECRYPT, _HEALTH = ProxyOperation.DECRYPT, ProxyOperation.GET_HEALTH_STATUS


@pytest.mark.requirement("XKS-URI-001")
def test_another_key_does_not_decrypt(proxy: ProxyClient) -> None:
    """What one key encrypted, another key refuses, whatever the metadata say.

    ciphertextMetadata may help to find a version of a key, and never another key: they
    are left as they were, and replaced by the other key's, by both ids, and by none.
    """
    keys = [proxy.key(role) for role in ("usable", "second")]
    first, second = proxy.side_by_side([partial(proxy.sealed, key=key) for key in keys])
    probes = []
    for sealed, other, key in ((first, second, keys[1]), (second, first, keys[0])):
        others = {
            sealed.ciphertext_metadata: "its own metadata",
            other.ciphertext_metadata: "the other key's metadata",
            keys[0].encode()[:20]: f"the metadata {keys[0][:20]!r}",
            keys[1].encode()[:20]: f"the metadata {keys[1][:20]!r}",
            None: "no metadata",
        }
        probes += [
            proxy.probe(
                _DECRYPT,
                sealed.altered(ciphertext_metadata=metadata).body(),
                altered=f"with another key ({key[:20]}), and {text}",
                key=key,
            )
            for metadata, text in others.items()
        ]
    controls = [proxy.opens(first, key=keys[0]), proxy.opens(second, key=keys[1])]
    proxy.judge(probes, controls)


def _twins(proxy: ProxyClient) -> list[tuple[str, str]]:
    """Ids of keys that may encrypt and decrypt, and differ in case alone."""
    roles = ("usable", "second", "special_characters", "longest")
    ids = sorted({proxy.target.keys[r] for r in roles if r in proxy.target.keys})
    return [
        (one, other)
        for one, other in combinations(ids, 2)
        if one.casefold() == other.casefold()
    ]


@pytest.mark.requirement("XKS-URI-001")
def test_keys_whose_ids_differ_in_case(proxy: ProxyClient) -> None:
    """Two keys whose ids differ in case alone, where there are two, are two keys."""
    for keys in _twins(proxy):
        sealed = proxy.side_by_side([partial(proxy.sealed, key=key) for key in keys])
        proxy.judge(
            [
                proxy.probe(
                    _DECRYPT, each.body(), altered=f"with the key {key}", key=key
                )
                for each, key in zip(sealed, reversed(keys), strict=True)
            ],
            controls=[
                proxy.opens(each, key=key)
                for each, key in zip(sealed, keys, strict=True)
            ],
        )


@pytest.mark.requirement("XKS-URI-011")
def test_key_id_in_another_case(proxy: ProxyClient) -> None:
    """An id in another case is another id, and unknown.

    Raises:
        NotApplicable: no id has a letter, or a key has the id in the other case.
    """
    known = set(proxy.target.keys.values())
    swapped = {key.swapcase() for key in known} - known
    if not swapped:
        raise NotApplicable("Every external key id in another case is one as well.")
    accept = (status(404), *invalid(proxy))
    proxy.judge(
        [
            proxy.probe(
                _METADATA, altered=f"the key id {key[:20]}", accept=accept, key=key
            )
            for key in sorted(swapped)
        ]
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
    """An external key that does not exist is a 404 KeyNotFoundException.

    So is one whose id begins with the id of a key.
    """
    usable = proxy.key("usable")
    unknown = {
        UNKNOWN_KEY_ID: "an unknown key",
        f"{usable}{uuid.uuid4().hex}"[:128]: "an id that begins with a known one",
    }
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} with {text}",
                accept=(error("KeyNotFoundException"),),
                key=key,
            )
            for operation in KEY_OPERATIONS
            for key, text in unknown.items()
            if key != usable
        ]
    )


_INVALID_PATHS = {
    "no operation": "{uri}/keys/{key}",
    "a segment too many": "{uri}/keys/{key}/encrypt/more",
    "the URI path alone": "{uri}",
    "version 2": "{prefix}/kms/xks/v2/health",
    "no version": "{prefix}/kms/xks/health",
}
_UNKNOWN_OPERATIONS = {
    "an unknown operation on a key": "{uri}/keys/{key}/sign",
    "an unknown operation": "{uri}/healthy",
}
_UNKNOWN_PREFIXES = {
    "an unknown path prefix": "{prefix}/invalid/kms/xks/v1/health",
}
_CAPITALS = {
    "GetHealthStatus in capitals": "{uri}/Health",
    "GetKeyMetadata in capitals": "{uri}/keys/{key}/METADATA",
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

    The request is signed for the path that it names. 501 is accepted for an operation
    that is not implemented; 401 for a prefix that nobody has, since each prefix has
    credentials of its own.
    """
    expected = error("InvalidUriPathException")
    accepted = (
        (_INVALID_PATHS, (expected,)),
        (
            _UNKNOWN_OPERATIONS,
            (expected, error("UnsupportedOperationException")),
        ),
        (_UNKNOWN_PREFIXES, (expected, *unauthenticated(proxy))),
    )
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, accept=accept, path=path)
            for templates, accept in accepted
            for text, path in _paths(proxy, templates)
        ]
    )


@pytest.mark.requirement("XKS-URI-013")
def test_operation_in_capitals(proxy: ProxyClient) -> None:
    """An operation in other letters than the specification's is none."""
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, path=path)
            for text, path in _paths(proxy, _CAPITALS)
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
