"""Chapter "Authentication": what a refusal gives away.

A request with a wrong signature is refused by every operation, for every credential;
then it is sent again with whatever the refusal told.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import Violation

from ..client.bodies import KEY_OPERATIONS, ProxyOperation
from ..client.expect import REFUSED, SERVED, violated
from ..client.signing import WRONG_SECRET
from .signature_columns import accesses, good_bodies
from .told import candidates, text_of

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.bodies import Body
    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_MOST_STRINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """A request that was refused, and what the proxy said."""

    operation: ProxyOperation
    store: StoreAccess
    request: HttpRequest
    answer: ProxyAnswer

    @property
    def told(self) -> set[bytes]:
        """What it could have told, but for what the request said itself."""
        said = candidates(self.request.header("Authorization").encode())
        return candidates(text_of(self.answer)) - said


def _refusals(proxy: ProxyClient) -> list[_Refusal]:
    """What every operation says of a wrong signature, by every credential."""
    asked = [
        (operation, store, _wrongly_signed(proxy, operation, store, body))
        for store in accesses(proxy).values()
        for operation, body in good_bodies(proxy, store)[0].items()
    ]
    answers = proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"a wrong signature for {operation.title} at {store.uri_path}",
                store=store,
                body=request.body,
                edit=lambda _, request=request: request,  # type: ignore[misc] # a default binds it
            )
            for operation, store, request in asked
        ],
        controls=[proxy.control(ProxyOperation.GET_HEALTH_STATUS)],
    )
    return [
        _Refusal(operation=operation, store=store, request=request, answer=answer)
        for (operation, store, request), answer in zip(asked, answers, strict=True)
    ]


def _wrongly_signed(
    proxy: ProxyClient, operation: ProxyOperation, store: StoreAccess, body: Body
) -> HttpRequest:
    unsigned = proxy.unsigned(store.path(operation), body)
    signed = proxy.signer(store).sign(unsigned)
    return _with_signature(signed, "0" * 64)


def _with_signature(request: HttpRequest, signature: str) -> HttpRequest:
    head = request.header("Authorization").rpartition("=")[0]
    headers = request.with_header("Authorization", f"{head}={signature}")
    return replace(request, headers=headers)


def _tries(proxy: ProxyClient, refusal: _Refusal) -> list[str]:
    """Signatures that somebody could try who has read the refusal, and no secret.

    Each string is taken for the signature, and for the key that signs.
    """
    to_sign = proxy.signer(refusal.store).string_to_sign(refusal.request).encode()
    strings = sorted(refusal.told)[:_MOST_STRINGS]
    return [
        *(string.hex() for string in strings),
        *(hmac.new(s, to_sign, hashlib.sha256).hexdigest() for s in strings),
    ]


@pytest.mark.requirement("XKS-AUTH-037")
def test_nothing_in_a_refusal_opens_the_door(proxy: ProxyClient) -> None:
    """A refused request is not served with any string of the refusal as its signature.

    The Decrypt is of a ciphertext that its key store does open.
    """
    for refusal in _refusals(proxy):
        for answer in proxy.side_by_side(
            [
                partial(
                    proxy.send,
                    _with_signature(refusal.request, signature),
                    label="probe: signed by a string of the refusal",
                )
                for signature in _tries(proxy, refusal)
            ]
        ):
            if SERVED.accepts(answer):
                violated(
                    answer,
                    REFUSED.text,
                    f"{refusal.operation.title} at {refusal.store.uri_path}, signed by "
                    f"what its refusal tells: {answer.describe()}",
                    note="Whoever can send a request reads its signature from the "
                    "refusal: no secret is needed.",
                )


@pytest.mark.requirement("XKS-AUTH-038")
def test_refusal_tells_no_signature(proxy: ProxyClient) -> None:
    """Neither the right signature nor a key on the way to it is in a refusal."""
    for refusal in _refusals(proxy):
        signer = proxy.signer(refusal.store)
        *steps, key = signer.derived_keys(refusal.request)
        to_sign = signer.string_to_sign(refusal.request).encode()
        right = hmac.new(key, to_sign, hashlib.sha256).digest()
        for told, what in (
            ({right}, "the right signature"),
            ({*steps, key}, "a key that is derived from the secret"),
        ):
            if told & refusal.told:
                raise Violation(
                    expected="a refusal without the right signature or its key",
                    observed=f"{refusal.operation.title} at {refusal.store.uri_path}: "
                    f"a refusal with {what}",
                    exchange=refusal.answer.exchange,
                )


_VARIABLE = re.compile(r"[0-9a-f-]{8,}|[0-9]+", re.IGNORECASE)


def _gist(answer: ProxyAnswer, key_id: str) -> tuple[object, ...]:
    """What a refusal says, but for ids and numbers."""
    message = (answer.document or {}).get("errorMessage")
    text = str(message).replace(key_id, "")
    return answer.status, answer.error_name, _VARIABLE.sub("", text)


@pytest.mark.requirement("XKS-AUTH-039")
def test_refusal_does_not_tell_whether_a_key_exists(proxy: ProxyClient) -> None:
    """A wrong signature is refused alike, whether the external key exists or not.

    All keys that the target file names are tried, beside ids that nobody has.
    """
    known = sorted(set(proxy.target.keys.values()))
    unknown = [f"no-such-key-{uuid.uuid4()}" for _ in range(2)]
    credential = replace(proxy.main.credential, secret_access_key=WRONG_SECRET)
    signer = replace(proxy.signer(), credential=credential)
    asked = [(o, key) for o in KEY_OPERATIONS for key in (*known, *unknown)]
    answers = proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} with a wrong signature, key {key[:16]}",
                key=key,
                signer=signer,
            )
            for operation, key in asked
        ]
    )
    told = dict(zip(asked, answers, strict=True))
    for (operation, key), answer in told.items():
        of_unknown = [told[operation, each] for each in unknown]
        gists = [_gist(*each) for each in zip(of_unknown, unknown, strict=True)]
        if _gist(answer, key) not in gists:
            violated(
                answer,
                "the same refusal, whether the key exists or not",
                f"{operation.title}: {answer.describe()} for a key that exists, "
                f"{of_unknown[0].describe()} for another",
            )
