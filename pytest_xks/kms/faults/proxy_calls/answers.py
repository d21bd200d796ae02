"""Faults of reading what a proxy answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, nothing, row
from pytest_xks.kms.faults.patterns import raising
from pytest_xks.kms.proxy_calls.answers import (
    check_ciphertext_metadata,
    check_integrity,
    check_lengths,
    read_decrypt,
    read_document,
    read_health_status,
    read_key_metadata,
)
from pytest_xks.kms.proxy_calls.client import exchange
from pytest_xks.kms.proxy_calls.error_mapping import FailureScenario, ProxyFailure
from pytest_xks.proxy_api.encoding import decode_base64, encode_base64
from pytest_xks.proxy_api.errors import ERRORS
from pytest_xks.proxy_api.limits import EKM_FLEET_DETAILS_MAX, KEY_USAGE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.http.client import Transport
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.proxy_api.http import Request, Response
    from pytest_xks.proxy_api.messages import EncryptResult

    Document = dict[str, Any]
    Read = Callable[[Document], object]
    ReadDocument = Callable[[Response], Document]

_ERROR_MESSAGE_MAX_LENGTH = 511
_SHORT_IV = 12
_STATUSES = {name.value: rule.status for name, rule in ERRORS.items()}


# -- time -------------------------------------------------------------------------


def _waiting(milliseconds: float) -> Effects:
    def wait(
        proceed: Callable[[Transport, Request, float], Response],
        transport: Transport,
        request: Request,
        _: float,
    ) -> Response:
        return proceed(transport, request, milliseconds)

    return Replace(exchange, wait)


row(
    "waits-half-a-second-for-the-proxy",
    "Takes answers that come within half a second.",
    _waiting(500),
    violates=("KMS-RESP-001",),
)
row(
    "waits-75-ms-for-the-proxy",
    "Takes answers only if they come within 75 ms.",
    _waiting(75),
    violates=("KMS-RESP-001",),
)


# -- errors -----------------------------------------------------------------------


def _reading_errors(
    judge: Callable[[Response, ProxyFailure], FailureScenario],
) -> Effects:
    """Takes what is an error, or malformed, for another scenario."""

    def read(proceed: ReadDocument, response: Response) -> Document:
        try:
            return proceed(response)
        except ProxyFailure as failure:
            scenario = judge(response, failure)
            raise ProxyFailure(scenario, failure.error_message) from None

    return Replace(read_document, read)


@fault(violates=("KMS-RESP-004",))
def error_name_needs_its_status() -> Effects:
    """Does not believe an errorName under another HTTP status than the documented."""

    def judge(response: Response, failure: ProxyFailure) -> FailureScenario:
        documented = _STATUSES.get(failure.scenario.value, response.status)
        fits = documented == response.status
        return failure.scenario if fits else FailureScenario.MALFORMED

    return _reading_errors(judge)


@fault(violates=("KMS-RESP-015",))
def long_error_message_as_malformed() -> Effects:
    """Cannot interpret an error whose errorMessage is too long."""

    def judge(_: Response, failure: ProxyFailure) -> FailureScenario:
        too_long = len(failure.error_message or "") > _ERROR_MESSAGE_MAX_LENGTH
        return FailureScenario.MALFORMED if too_long else failure.scenario

    return _reading_errors(judge)


@fault(violates=("KMS-RESP-006",))
def http_error_without_json_as_unreachable() -> Effects:
    """Takes an HTTP error without JSON for a proxy that cannot be reached."""

    def judge(response: Response, failure: ProxyFailure) -> FailureScenario:
        without_json = not response.body.startswith(b"{")
        unreachable = response.status != 200 and without_json
        return FailureScenario.NO_CONNECTION if unreachable else failure.scenario

    return _reading_errors(judge)


@fault(violates=("KMS-RESP-007",))
def unknown_error_name_as_time_out() -> Effects:
    """Takes an errorName that nobody has published for a time-out of the proxy."""

    def judge(response: Response, failure: ProxyFailure) -> FailureScenario:
        malformed = failure.scenario is FailureScenario.MALFORMED
        unknown = malformed and b'"errorName"' in response.body
        return FailureScenario.DEPENDENCY_TIMEOUT if unknown else failure.scenario

    return _reading_errors(judge)


@fault(violates=("KMS-RESP-005",))
def error_message_passed_on() -> Effects:
    """Tells the caller what the proxy says in errorMessage."""

    def tell(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        failure = error.__context__
        if not isinstance(failure, ProxyFailure) or not failure.error_message:
            return None
        return KmsError(error.code, f"{error.message} ({failure.error_message})")

    return raising(tell)


# -- Encrypt and Decrypt ----------------------------------------------------------


row(
    "ciphertext-metadata-of-any-length",
    "Takes ciphertextMetadata of more than 20 bytes.",
    Replace(check_ciphertext_metadata, nothing),
    violates=("KMS-RESP-008",),
)
row(
    "integrity-value-ignored",
    "Asks for a ciphertextDataIntegrityValue, and never looks at it.",
    Replace(check_integrity, nothing),
    violates=("KMS-RESP-009",),
)
row(
    "encrypt-answer-of-any-length",
    "Takes ciphertexts, IVs and tags of any length.",
    Replace(check_lengths, nothing),
    violates=("KMS-RESP-011",),
)


@fault(violates=("KMS-RESP-016",))
def initialization_vector_of_12_bytes_only() -> Effects:
    """Refuses an Encrypt answer whose initialization vector has 16 bytes."""

    def check(
        proceed: Callable[..., None], result: EncryptResult, *rest: object
    ) -> None:
        proceed(result, *rest)
        if len(result.initialization_vector) != _SHORT_IV:
            raise ProxyFailure(FailureScenario.MALFORMED)

    return Replace(check_lengths, check)


@fault(violates=("KMS-RESP-012",))
def decrypt_answer_cut_to_length() -> Effects:
    """Forgives a proxy that decrypts to more bytes than it was sent."""

    def read(
        proceed: Callable[..., bytes], document: Document, *, ciphertext_bytes: int
    ) -> bytes:
        plaintext = decode_base64(str(document.get("plaintext") or ""))
        shortened = encode_base64(plaintext[:ciphertext_bytes])
        return proceed(
            {**document, "plaintext": shortened}, ciphertext_bytes=ciphertext_bytes
        )

    return Replace(read_decrypt, read)


# -- GetKeyMetadata and GetHealthStatus -------------------------------------------


@fault(violates=("KMS-RESP-013",))
def any_number_of_key_usages() -> Effects:
    """Takes a keyUsage of more than ten values."""

    def read(proceed: Read, document: Document) -> object:
        usages = list(document.get("keyUsage") or ())
        return proceed({**document, "keyUsage": usages[:KEY_USAGE_MAX]})

    return Replace(read_key_metadata, read)


@fault(violates=("KMS-RESP-014",))
def any_number_of_key_managers() -> Effects:
    """Takes a health status with more than ten external key managers."""

    def read(proceed: Read, document: Document) -> object:
        details = list(document.get("ekmFleetDetails") or ())
        cut = details[:EKM_FLEET_DETAILS_MAX]
        return proceed({**document, "ekmFleetDetails": cut})

    return Replace(read_health_status, read)
