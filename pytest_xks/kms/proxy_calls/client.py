"""KMS's own client of the proxy: build, sign, send, wait 250 ms, read.

Everything that KMS sends to a proxy is put together here (KMS-WIRE).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pytest_xks.http.client import (
    ConnectFailure,
    MalformedResponse,
    TlsFailure,
    TransportError,
    TransportTimeout,
)
from pytest_xks.kms.behaviour import Timeouts
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.proxy_calls.answers import (
    Sealed,
    read_decrypt,
    read_document,
    read_encrypt,
    read_health_status,
    read_key_metadata,
)
from pytest_xks.kms.proxy_calls.error_mapping import FailureScenario, ProxyFailure
from pytest_xks.proxy_api.encoding import encode_base64
from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.limits import (
    CDIV_ALGORITHM,
    ENCRYPTION_ALGORITHM,
)
from pytest_xks.proxy_api.messages import CONTENT_TYPE, render
from pytest_xks.proxy_api.sigv4 import sign
from pytest_xks.proxy_api.uri import path_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.clock import Clock
    from pytest_xks.http.client import Transport
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.keys.blob import Blob
    from pytest_xks.kms.proxy_calls.endpoint import ProxyEndpoint
    from pytest_xks.kms.proxy_calls.network import Network
    from pytest_xks.proxy_api.http import Response
    from pytest_xks.proxy_api.messages import EncryptResult, HealthStatus, KeyMetadata

__all__ = [
    "ProxyCall",
    "ProxyClient",
    "exchange",
    "request_to_proxy",
    "sign_for_proxy",
]

Answer = TypeVar("Answer")
Document = dict[str, object]

_UNAVAILABLE = "UNAVAILABLE"

_log = logging.getLogger("pytest_xks.kms.proxy_calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyCall:
    """A call of the proxy that is over; for metrics and logs."""

    proxy: ProxyEndpoint
    time: datetime
    kms_operation: str
    xks_operation: Operation
    external_key_id: str | None
    request_id: str
    latency_ms: float
    scenario: FailureScenario | None
    """What went wrong; None if nothing did."""
    error_message: str | None
    """What the proxy said about it; for the logs of the account."""


class ProxyClient:
    """Calls proxies for KMS.

    Args:
        network: where proxies are.
        clock: dates signatures and measures latencies.
        behaviour: whether a time-out is retried.
        report: told of every call that is over, and of its answer.
    """

    def __init__(
        self,
        network: Network,
        clock: Clock,
        behaviour: Behaviour,
        report: Callable[[ProxyCall, object], None],
    ) -> None:
        self._network = network
        self._clock = clock
        self._behaviour = behaviour
        self._report = report

    def get_health_status(self, call: Call, proxy: ProxyEndpoint) -> HealthStatus:
        """Ask for the health of the proxy and of what is behind it.

        Raises:
            ProxyFailure: no answer, or none that counts; or no external key manager
                can serve (KMS-CREATESTORE-031, 032).
        """
        # KMS-CREATESTORE-030: exactly these two members.
        document: Document = {"requestMetadata": _metadata(call)}
        health = self._call(
            call,
            proxy,
            Operation.GET_HEALTH_STATUS,
            document=document,
            read=read_health_status,
        )
        if all(each.health_status == _UNAVAILABLE for each in health.ekm_fleet_details):
            raise ProxyFailure(FailureScenario.UNHEALTHY)
        return health

    def get_key_metadata(
        self, call: Call, proxy: ProxyEndpoint, external_key_id: str
    ) -> KeyMetadata:
        """Ask about an external key.

        Raises:
            ProxyFailure: no answer, or none that counts.
        """
        # KMS-WIRE-005: neither kmsKeyArn nor kmsViaService; there is no KMS key yet.
        metadata = {
            **_metadata(call),
            "awsPrincipalArn": call.principal_arn,
            **_vpc(call, proxy),
        }
        return self._call(
            call,
            proxy,
            Operation.GET_KEY_METADATA,
            external_key_id=external_key_id,
            document={"requestMetadata": metadata},
            read=read_key_metadata,
        )

    def encrypt(  # noqa: PLR0913 - each of them goes into the request
        self,
        call: Call,
        proxy: ProxyEndpoint,
        external_key_id: str,
        *,
        key_arn: str,
        plaintext: bytes,
        additional_authenticated_data: bytes,
    ) -> EncryptResult:
        """Encrypt with an external key; a CDIV is requested and verified.

        Raises:
            ProxyFailure: no answer, or none that counts.
        """
        document: Document = {
            "requestMetadata": _metadata_of_cryptography(call, proxy, key_arn),
            "additionalAuthenticatedData": encode_base64(additional_authenticated_data),
            "plaintext": encode_base64(plaintext),
            "encryptionAlgorithm": ENCRYPTION_ALGORITHM,
            "ciphertextDataIntegrityValueAlgorithm": CDIV_ALGORITHM,
        }
        sent = Sealed(
            plaintext_bytes=len(plaintext),
            additional_authenticated_data=additional_authenticated_data,
        )
        return self._call(
            call,
            proxy,
            Operation.ENCRYPT,
            external_key_id=external_key_id,
            document=document,
            read=partial(read_encrypt, sent=sent),
        )

    def decrypt(
        self,
        call: Call,
        proxy: ProxyEndpoint,
        external_key_id: str,
        *,
        blob: Blob,
        additional_authenticated_data: bytes,
    ) -> bytes:
        """Decrypt what an external key encrypted.

        Raises:
            ProxyFailure: no answer, or none that counts.
        """
        document: Document = {
            "requestMetadata": _metadata_of_cryptography(call, proxy, blob.key_arn),
            "additionalAuthenticatedData": encode_base64(additional_authenticated_data),
            "ciphertext": encode_base64(blob.ciphertext),
            "encryptionAlgorithm": ENCRYPTION_ALGORITHM,
            "initializationVector": encode_base64(blob.initialization_vector),
            "authenticationTag": encode_base64(blob.authentication_tag),
        }
        if blob.ciphertext_metadata is not None:
            document["ciphertextMetadata"] = encode_base64(blob.ciphertext_metadata)
        return self._call(
            call,
            proxy,
            Operation.DECRYPT,
            external_key_id=external_key_id,
            document=document,
            read=partial(read_decrypt, ciphertext_bytes=len(blob.ciphertext)),
        )

    def _call(  # noqa: PLR0913 - the parts of one exchange
        self,
        call: Call,
        proxy: ProxyEndpoint,
        operation: Operation,
        *,
        document: Mapping[str, object],
        read: Callable[[Document], Answer],
        external_key_id: str | None = None,
    ) -> Answer:
        request = request_to_proxy(call, proxy, operation, external_key_id, document)
        started = self._clock.monotonic()
        failure: ProxyFailure | None = None
        answer: Answer | None = None
        try:
            answer = read(read_document(self._send(request, proxy)))
        except ProxyFailure as error:
            failure = error
            raise
        finally:
            over = ProxyCall(
                proxy=proxy,
                time=self._clock.now(),
                kms_operation=call.operation,
                xks_operation=operation,
                external_key_id=external_key_id,
                request_id=call.request_id,
                latency_ms=(self._clock.monotonic() - started) * 1000,
                scenario=failure.scenario if failure else None,
                error_message=failure.error_message if failure else None,
            )
            self._report(over, answer)
        return answer

    def _send(self, request: Request, proxy: ProxyEndpoint) -> Response:
        try:
            return self._send_once(request, proxy)
        except TransportTimeout:
            # KMS-RESP-002: on a network time-out KMS retries the request once.
            if self._behaviour.timeouts is Timeouts.FAIL:
                raise ProxyFailure(FailureScenario.TIME_OUT) from None
        except TransportError as error:
            raise ProxyFailure(_scenario_of(error)) from None
        try:
            return self._send_once(request, proxy)
        except TransportError as error:
            raise ProxyFailure(_scenario_of(error)) from None

    def _send_once(self, request: Request, proxy: ProxyEndpoint) -> Response:
        signed = sign_for_proxy(request, proxy, self._clock.now())
        try:
            transport = self._network.transport_to(proxy.host)
            return exchange(transport, signed, self._network.timeout_ms_for(transport))
        except TransportError as error:
            # What callers are told is AWS's text, which does not say as much.
            _log.info("%s%s: %s", proxy.host, request.target, error)
            raise


@step
def request_to_proxy(
    call: Call,  # noqa: ARG001 - for faults that replace this step
    proxy: ProxyEndpoint,
    operation: Operation,
    external_key_id: str | None,
    document: Mapping[str, object],
) -> Request:
    """The request of an operation, unsigned (KMS-WIRE-001)."""
    return Request(
        method="POST",
        target=path_for(proxy.uri_path, operation, external_key_id),
        headers=(("Host", proxy.host), ("Content-Type", CONTENT_TYPE)),
        body=render(document),
    )


@step
def sign_for_proxy(request: Request, proxy: ProxyEndpoint, now: datetime) -> Request:
    """The request as it goes out: dated and signed (KMS-WIRE-002, 003)."""
    return sign(request, proxy.credential, region=proxy.region, now=now)


@step
def exchange(transport: Transport, request: Request, timeout_ms: float) -> Response:
    """One request out, one response back, in time.

    Raises:
        TransportError: there is no response.
    """
    return transport.send(request, timeout_ms=timeout_ms)


# AMBIGUOUS: a connection that is lost in the middle of an answer may be a network
# problem or a malformed answer. Ours: "AWS KMS cannot communicate with the external key
# store proxy", whose text speaks of a transient network issue.
_SCENARIOS: Mapping[type[TransportError], FailureScenario] = {
    ConnectFailure: FailureScenario.NO_CONNECTION,
    TlsFailure: FailureScenario.NO_TLS,
    TransportTimeout: FailureScenario.TIME_OUT,
    MalformedResponse: FailureScenario.MALFORMED,
}


def _scenario_of(error: TransportError) -> FailureScenario:
    return _SCENARIOS.get(type(error), FailureScenario.NO_CONNECTION)


def _metadata(call: Call) -> dict[str, str]:
    return {"kmsRequestId": call.request_id, "kmsOperation": call.operation}


def _vpc(call: Call, proxy: ProxyEndpoint) -> dict[str, str]:
    # KMS-WIRE-008: only if the caller's account owns the KMS key.
    if call.account_id != proxy.account_id:
        return {}
    origin = call.origin
    members = {"awsSourceVpc": origin.source_vpc, "awsSourceVpce": origin.source_vpce}
    return {member: value for member, value in members.items() if value}


def _metadata_of_cryptography(
    call: Call, proxy: ProxyEndpoint, key_arn: str
) -> dict[str, str]:
    metadata = {
        "awsPrincipalArn": call.principal_arn,
        "kmsKeyArn": key_arn,
        **_metadata(call),
        **_vpc(call, proxy),
    }
    if call.origin.via_service:
        metadata["kmsViaService"] = call.origin.via_service
    return metadata
