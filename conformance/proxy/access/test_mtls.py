"""Chapter "Authentication": client certificates (mutual TLS).

The specification says that a proxy SHOULD support them; since then AWS has deprecated
them. Supporting them is neutral, requiring them is reported (XKS-MTLS-005).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.connection import Connector
from ..client.expect import REFUSED, SERVED, Outcome, success
from ..client.http1 import Failure
from ..client.probes import Probe
from ..client.proxy_client import ProxyClient
from ..client.proxy_session import ProxySession
from .certificates import REASONS, bad_certificate, is_of_same_authority

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_xks.certify.evidence.recorder import Recorder
    from pytest_xks.certify.targets.proxy_target import MtlsTarget, RefusedCertificate

    from ..client.answer import ProxyAnswer
    from ..client.http1 import HttpRequest

_HEALTH = ProxyOperation.GET_HEALTH_STATUS


@pytest.fixture
def guarded(proxy: ProxyClient, recorder: Recorder) -> Iterator[ProxyClient]:
    """The listener that asks for a client certificate, with a good one."""
    mtls = proxy.target.mtls
    if mtls is None or mtls.endpoint is None:
        yield proxy
        return
    here = replace(mtls, endpoint=None)
    session = ProxySession(
        replace(proxy.target, endpoint=mtls.endpoint, mtls=here),
        jobs=proxy.session.jobs,
    )
    yield ProxyClient(session, recorder)
    session.close()


def _mtls(proxy: ProxyClient) -> MtlsTarget:
    proxy.needs("mtls")
    assert proxy.target.mtls is not None, "needs() says so"
    return proxy.target.mtls


@pytest.mark.requirement("XKS-MTLS-001")
def test_good_certificate(guarded: ProxyClient) -> None:
    """A client with the configured certificate is served."""
    _mtls(guarded)
    good = guarded.probe(
        _HEALTH, altered="with the client certificate", accept=(SERVED,)
    )
    guarded.judge([good], controls=[])


@pytest.mark.requirement("XKS-AUTH-016")
def test_certificate_is_no_signature(guarded: ProxyClient) -> None:
    """A good client certificate takes the place of no signature.

    Where the main endpoint asks for it, every check of signatures has shown it.
    """
    mtls = guarded.target.mtls
    if mtls is None:
        return

    def unsigned(request: HttpRequest) -> HttpRequest:
        return replace(request, headers=request.with_header("Authorization", None))

    guarded.judge(
        [
            guarded.probe(
                operation,
                altered=f"unsigned {operation.title}, with the client certificate",
                edit=unsigned,
            )
            for operation in ALL_OPERATIONS
        ]
    )


_ENDED = Outcome(
    "the end of the connection, without a response",
    lambda answer: answer.status is None and answer.failure is not Failure.LATE,
)


def _how_to_refuse(answer: ProxyAnswer) -> str:
    """What a proxy has to do, and how a gateway that is too late comes to do it."""
    note = "The proxy has to terminate the TLS handshake."
    if not REFUSED.accepts(answer):
        return note
    return (
        f"{note} It refused the certificate after the handshake, by an answer. nginx "
        "ends the connection instead with `error_page 495 496 = @drop;` and `location "
        "@drop { return 444; }`."
    )


def _expect_refused(guarded: ProxyClient, bad: Iterable[RefusedCertificate]) -> None:
    """A client with a bad certificate gets no response at all."""
    guarded.judge(
        [
            Probe(
                label=certificate.reason,
                operation=_HEALTH,
                store=guarded.main,
                send=partial(_attempt, guarded, certificate),
                accept=(_ENDED,),
                note=_how_to_refuse,
            )
            for certificate in bad
        ]
    )


def _attempt(guarded: ProxyClient, bad: RefusedCertificate) -> ProxyAnswer:
    """A request on a connection with another client certificate."""
    try:
        connector = Connector(guarded.target.endpoint, guarded.target, client=bad)
    except OSError as error:
        raise NotTestable(f"The certificate cannot be used: {error}.") from None
    request = guarded.request(_HEALTH, guarded.good_body(_HEALTH))
    return guarded.send_anew(request, label=f"probe: {bad.reason}", connector=connector)


def _provided(mtls: MtlsTarget, *, subject: bool) -> list[RefusedCertificate]:
    """The bad certificates of the target file whose subject is wrong, or the others."""
    try:
        return [
            bad
            for bad in mtls.refused
            if is_of_same_authority(bad.certificate, mtls.certificate) == subject
        ]
    except (OSError, ValueError) as error:
        raise NotTestable(f"A certificate cannot be used: {error}.") from None


@pytest.mark.requirement("XKS-MTLS-003")
def test_other_subject(guarded: ProxyClient) -> None:
    """A certificate of the right authority for another subject is refused.

    With TLS 1.3 the handshake is over for the client before the proxy has looked at its
    certificate; so the end of the connection before a response is accepted.
    """
    bad = _provided(_mtls(guarded), subject=True)
    if not bad:
        raise NotTestable(
            "There is no client certificate with another subject.",
            add='Add refused = [{ reason = "wrong subject", certificate = "…", '
            'private_key = "…" }] to [proxy.mtls], issued by the same authority.',
        )
    _expect_refused(guarded, bad)


@pytest.mark.requirement("XKS-MTLS-004")
def test_other_authority(guarded: ProxyClient, scratch: Path) -> None:
    """A certificate of the right subject from another authority is refused.

    With TLS 1.3 the handshake is over for the client before the proxy has looked at its
    certificate; so the end of the connection before a response is accepted.
    """
    good = _mtls(guarded).certificate
    _expect_refused(
        guarded, [bad_certificate(reason, good, scratch) for reason in REASONS]
    )


@pytest.mark.requirement("XKS-MTLS-004")
def test_other_bad_certificates(guarded: ProxyClient) -> None:
    """The other bad certificates of the target file, if there are some, are refused."""
    _expect_refused(guarded, _provided(_mtls(guarded), subject=False))


@pytest.mark.requirement("XKS-MTLS-005")
def test_no_certificate(proxy: ProxyClient) -> None:
    """The endpoint serves a client without a certificate.

    By today's guide to KMS, not by the specification: a proxy that requires client
    certificates cannot be used by KMS after 15 June 2026.
    """
    connector = Connector(proxy.target.endpoint, proxy.target)
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    answer = proxy.send_anew(
        request, label="without a certificate", connector=connector
    )
    success(answer)
