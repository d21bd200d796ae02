"""The test call of the proxy that CreateCustomKeyStore makes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.probe_proxy.vocabulary import ConnectionEnd, ListenerFault
from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    control,
    expect,
    require_asked,
    success,
    violated,
)
from .store_calls import HEALTHY, CreateCalls, new_calls, new_name, new_other_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner


@pytest.fixture
def calls(kms: KmsClient, provisioner: Provisioner) -> CreateCalls:
    """Calls of this check alone."""
    return new_calls(provisioner, kms)


FAILURES: dict[str, Callable[[ProxyStore], AbstractContextManager[None]]] = {
    "error": lambda proxy: proxy.failing("InternalException", 500),
    "unauthenticated": lambda p: p.failing("AuthenticationFailedException", 401),
    "malformed": lambda proxy: proxy.answering(200, b"OK", content_type="text/plain"),
    "no-answer": lambda proxy: proxy.ending(ConnectionEnd.CLOSE),
}


@pytest.mark.requirement("KMS-CREATESTORE-028")
def test_proxy_is_asked(calls: CreateCalls) -> None:
    """The proxy is asked for its health, under the credential that was given."""
    with calls.proxy.watching() as seen:
        reply = calls.call()
    control(reply)
    if not seen():
        violated(reply, "a request of GetHealthStatus to the proxy", "no request")
    for request in seen():
        operation = request.request_metadata.get("kmsOperation")
        asked = f"{request.method} …/{request.operation}, kmsOperation {operation}"
        wanted = "POST …/health, kmsOperation CreateCustomKeyStore"
        if asked != wanted:
            violated(reply, wanted, asked)
        signature = request.header("Authorization") or ""
        credential = f"Credential={calls.proxy.credential['AccessKeyId']}/"
        if credential not in signature or request.status != 200:
            signed = signature.partition(",")[0] or "no Authorization"
            violated(
                reply,
                f"a good signature with {credential}…",
                f"{signed}, to which the proxy said {request.status}",
            )


@pytest.mark.requirement("KMS-CREATESTORE-028")
@cases("failure", FAILURES, stores=1, calls=new_calls)
def test_failed_test_call(kms: KmsClient, calls: CreateCalls, failure: str) -> None:
    """If the proxy does not answer well, the call fails and there is no key store."""
    name = new_name()
    with FAILURES[failure](calls.proxy):
        probe = calls.call(CustomKeyStoreName=name)
    if probe.succeeded:
        violated(probe, "an exception")
    found = kms.call("DescribeCustomKeyStores", CustomKeyStoreName=name)
    if found.document.get("CustomKeyStores"):
        violated(found, "no key store of this name", f"a key store {name}")
    label = "control: the proxy answers"
    control(calls.call(label=label, CustomKeyStoreName=name))


@pytest.mark.requirement("KMS-CREATESTORE-030")
def test_body_of_the_test_call(calls: CreateCalls) -> None:
    """GetHealthStatus has requestMetadata of kmsRequestId and kmsOperation, no more."""
    with calls.proxy.watching() as seen:
        reply = calls.call()
    if not seen():
        raise NotTestable("The proxy was not asked.")
    for request in seen():
        members = (sorted(request.document), sorted(request.request_metadata))
        if members != (["requestMetadata"], ["kmsOperation", "kmsRequestId"]):
            violated(
                reply,
                "requestMetadata with kmsOperation, kmsRequestId",
                f"{', '.join(members[0])} with {', '.join(members[1])}",
            )


@pytest.mark.requirement("KMS-CREATESTORE-032")
@cases(
    "statuses",
    [
        pytest.param(["DEGRADED", "DEGRADED"], id="all-degraded"),
        pytest.param(["ACTIVE", "UNAVAILABLE"], id="one-active"),
        pytest.param(["UNAVAILABLE", "DEGRADED"], id="one-degraded"),
    ],
    stores=2,
    calls=new_calls,
    other_calls=new_other_calls,
)
def test_some_key_managers_unavailable(
    calls: CreateCalls, other_calls: CreateCalls, statuses: list[str]
) -> None:
    """A proxy will do if one of its external key managers is ACTIVE or DEGRADED."""
    control(other_calls.call(label="control: all ACTIVE"))
    managers = [
        {"id": f"hsm-{number}", "model": "A key manager 1.0", "healthStatus": status}
        for number, status in enumerate(statuses)
    ]
    health = {**HEALTHY, "ekmFleetDetails": managers}
    with calls.proxy.answering(200, health, operation="health"):
        success(calls.call())
    require_asked(calls.proxy)


@pytest.mark.requirement("KMS-CREATESTORE-043")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ListenerFault.CERTIFICATE_EXPIRED, id="expired"),
        pytest.param(ListenerFault.CERTIFICATE_WRONG_HOST, id="another-host"),
        pytest.param(ListenerFault.CERTIFICATE_UNKNOWN_CA, id="unknown-authority"),
    ],
)
def test_bad_certificate(
    calls: CreateCalls, probe_proxy: ProbeProxy, fault: ListenerFault
) -> None:
    """The certificate must be of the host, in force, and of a trusted authority."""
    with probe_proxy.listening(fault):
        probe = calls.call()
    if not probe.succeeded:
        control(calls.call(label="control: a good certificate"))
    expect(probe, REFUSED)
