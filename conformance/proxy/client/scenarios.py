"""Ways to provoke an error that need nothing of the target file.

For what has to hold of every error, whatever its name; and to learn what this proxy's
own refusals look like. A proxy that answers every wrong signature with 403 breaks one
requirement, that on the status (XKS-ERR-009), and not twenty.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from .bodies import PLAINTEXT, ProxyOperation, encrypt_body, flip
from .expect import ANYTHING, REFUSED, Outcome, error
from .signing import WRONG_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answer import ProxyAnswer
    from .http1 import HttpRequest
    from .probes import Probe
    from .proxy_client import ProxyClient

__all__ = [
    "SCENARIOS",
    "UNKNOWN_KEY_ID",
    "invalid",
    "invalid_ciphertext",
    "scenario_probes",
    "unauthenticated",
]

# A fresh one, should a proxy keep the keys that somebody has asked for.
UNKNOWN_KEY_ID = f"no-such-key-{uuid.uuid4().hex[:8]}"
_HEALTH, _ENCRYPT = ProxyOperation.GET_HEALTH_STATUS, ProxyOperation.ENCRYPT


def _wrong_secret(proxy: ProxyClient) -> Probe:
    signer = replace(
        proxy.signer(),
        credential=replace(proxy.main.credential, secret_access_key=WRONG_SECRET),
    )
    return proxy.probe(_HEALTH, altered="a wrong signature", signer=signer)


def _unsigned(proxy: ProxyClient) -> Probe:
    return proxy.probe(
        _HEALTH,
        altered="no signature",
        edit=lambda r: replace(r, headers=r.with_header("Authorization", None)),
    )


def _malformed_header(proxy: ProxyClient) -> Probe:
    def edit(request: HttpRequest) -> HttpRequest:
        headers = request.with_header("Authorization", "AWS4-HMAC-SHA256")
        return replace(request, headers=headers)

    return proxy.probe(_HEALTH, altered="a malformed Authorization header", edit=edit)


def _unknown_key(proxy: ProxyClient) -> Probe:
    metadata = ProxyOperation.GET_KEY_METADATA
    return proxy.probe(metadata, altered="an unknown key", key=UNKNOWN_KEY_ID)


def _invalid_path(proxy: ProxyClient) -> Probe:
    path = f"{proxy.main.uri_path}/nowhere"
    return proxy.probe(_HEALTH, altered="an invalid path", path=path)


def _invalid_body(proxy: ProxyClient) -> Probe:
    return proxy.probe(_ENCRYPT, b"{", altered="a body that is no JSON")


def _with(**members: object) -> Callable[[ProxyClient], Probe]:
    """An Encrypt with other members; None leaves one out."""

    def build(proxy: ProxyClient) -> Probe:
        body = encrypt_body(PLAINTEXT) | members
        body = {name: value for name, value in body.items() if value is not None}
        altered = ", ".join(f"{name}: {value!r}" for name, value in members.items())
        return proxy.probe(_ENCRYPT, body, altered=altered)

    return build


def _corrupted(part: str) -> Callable[[ProxyClient], Probe]:
    def build(proxy: ProxyClient) -> Probe:
        sealed = proxy.sealed()
        altered = sealed.altered(**{part: flip(getattr(sealed, part))})
        text = f"a corrupted {part.replace('_', ' ')}"
        return proxy.probe(ProxyOperation.DECRYPT, altered.body(), altered=text)

    return build


SCENARIOS: dict[str, Callable[[ProxyClient], Probe]] = {
    "wrong-signature": _wrong_secret,
    "unsigned": _unsigned,
    "malformed-authorization": _malformed_header,
    "unknown-key": _unknown_key,
    "invalid-path": _invalid_path,
    "invalid-body": _invalid_body,
    "wrong-type": _with(plaintext=["QUJD"]),
    "another-wrong-type": _with(plaintext={"base64": "QUJD"}),
    "no-base64": _with(plaintext="@@@@"),
    "corrupted-ciphertext": _corrupted("ciphertext"),
    "corrupted-tag": _corrupted("authentication_tag"),
    "other-algorithm": _with(encryptionAlgorithm="AES_CBC"),
}

_KINDS = {
    "AuthenticationFailedException": (
        "wrong-signature",
        "unsigned",
        "malformed-authorization",
    ),
    "ValidationException": (
        "invalid-body",
        "wrong-type",
        "another-wrong-type",
        "no-base64",
    ),
    "InvalidCiphertextException": ("corrupted-ciphertext", "corrupted-tag"),
}
"""What shows how a proxy says so, by the name of the error."""


def scenario_probes(
    proxy: ProxyClient, look: Callable[[ProxyAnswer], None]
) -> list[Probe]:
    """A probe for every scenario; ``look`` judges the error that it leads to.

    What leads to none is not testable; that is for another check to report.
    """

    def look_at_error(answer: ProxyAnswer) -> None:
        if answer.status is None or answer.status < 400:
            raise NotTestable(f"This was not refused: {answer.describe()}.")
        look(answer)

    return [
        replace(build(proxy), accept=(ANYTHING,), look=look_at_error)
        for build in SCENARIOS.values()
    ]


def unauthenticated(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """How the proxy may refuse a signature."""
    return _accepted_as(proxy, "AuthenticationFailedException")


def invalid_ciphertext(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """How the proxy may refuse what does not decrypt."""
    return _accepted_as(proxy, "InvalidCiphertextException")


def invalid(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """How the proxy may refuse an invalid parameter."""
    return _accepted_as(proxy, "ValidationException")


def _accepted_as(proxy: ProxyClient, name: str) -> tuple[Outcome, ...]:
    """The error of that name, and what this proxy answers in its place."""
    learned = proxy.session.learned
    if name not in learned:
        probes = [SCENARIOS[scenario](proxy) for scenario in _KINDS[name]]
        answers = proxy.side_by_side([probe.settled for probe in probes])
        learned[name] = tuple(_own(name, each) for each in _others(name, answers))
    return (error(name), *learned[name])


def _own(name: str, answer: ProxyAnswer) -> Outcome:
    code, own_name = answer.status, answer.error_name
    return Outcome(
        f"{answer.describe()} (this proxy's {name}; see the chapter on errors)",
        lambda other: other.status == code and other.error_name == own_name,
    )


def _others(name: str, answers: list[ProxyAnswer]) -> list[ProxyAnswer]:
    """Of some answers, one of each kind of refusal but the error of that name."""
    kinds: dict[object, ProxyAnswer] = {}
    for answer in answers:
        if REFUSED.accepts(answer) and not error(name).accepts(answer):
            kinds.setdefault((answer.status, answer.error_name), answer)
    return list(kinds.values())
