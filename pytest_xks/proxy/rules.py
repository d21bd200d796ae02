"""The steps by which the proxy answers a request, each a function of its own.

``Rules`` lists them; the defaults below follow the specification to the letter. A fault
replaces steps in a copy of the rules (``faulty``), so that the same core runs, right or
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.http.delivery import Delivery
from pytest_xks.proxy import logs
from pytest_xks.proxy.admission import first_denial
from pytest_xks.proxy.keys import CannotDecryptError, ExternalKey, KeyStatus
from pytest_xks.proxy_api import messages, sigv4
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.integrity import (
    authenticated_data,
    ciphertext_data_integrity_value,
)
from pytest_xks.proxy_api.messages import (
    DecryptParameters,
    EncryptParameters,
    EncryptResult,
    HealthStatus,
    KeyMetadata,
    RequestMetadata,
)
from pytest_xks.proxy_api.uri import Route, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.proxy.health import ProxyFleet
    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request

__all__ = [
    "MAX_AAD_BYTES",
    "MAX_TEXT_BYTES",
    "DeniedError",
    "Rules",
    "as_it_comes_back",
]

Document = dict[str, object]

# "Error codes", 501: "if a parameter value exceeded the maximum size that is currently
# supported by a specific implementation". Ours, in bytes before Base64: the required
# minimum is 4300 and 8192. The length prefix of the AAD has two bytes.
MAX_TEXT_BYTES = 65_536
MAX_AAD_BYTES = 65_535


class DeniedError(XksError):
    """AccessDeniedException that remembers the statement behind it, for the log."""

    def __init__(self, statement: str) -> None:
        super().__init__(ErrorName.ACCESS_DENIED)
        self.statement = statement


def authenticate(request: Request, secrets: Mapping[str, str], now: datetime) -> str:
    """Appendix A: verify the signature; returns the access key id."""
    try:
        return sigv4.verify(request, secrets, now=now)
    except sigv4.SignatureError as error:
        raise XksError(ErrorName.AUTHENTICATION_FAILED, str(error)) from None


def admit(store: ProxyKeyStore) -> None:
    """The quota of the path prefix."""
    if store.quota is not None and not store.quota.take():
        raise XksError(ErrorName.THROTTLING)


def check_store(store: ProxyKeyStore) -> None:
    """A key store that is "disabled, deactivated or blocked" serves nobody."""
    if not store.enabled:
        raise XksError(ErrorName.INVALID_STATE, "The key store is disabled.")


def authorize(store: ProxyKeyStore, route: Route, metadata: RequestMetadata) -> None:
    """Secondary authorization, never on GetHealthStatus ("GetHealthStatus": MUST)."""
    if route.operation is Operation.GET_HEALTH_STATUS:
        return
    denial = first_denial(store.deny, metadata, route.external_key_id)
    if denial is not None:
        raise DeniedError(denial.name)


def find_key(store: ProxyKeyStore, external_key_id: str) -> ExternalKey:
    """The external key of this path prefix, and of no other."""
    key = store.keys.get(external_key_id)
    if key is None:
        raise XksError(ErrorName.KEY_NOT_FOUND)
    return key


def check_key_state(key: ExternalKey, operation: Operation) -> None:
    """A disabled key does no cryptography.

    AMBIGUOUS: GetKeyMetadata of a disabled key is a 200 that says DISABLED, or an
    InvalidStateException ("ALL"). Ours: 200, or keyStatus could never say DISABLED.
    """
    if operation is Operation.GET_KEY_METADATA:
        return
    if key.status is not KeyStatus.ENABLED:
        raise XksError(ErrorName.INVALID_STATE, "The external key is disabled.")


def check_key_usage(key: ExternalKey, operation: Operation) -> None:
    """The key's type and usage allow the operation.

    AMBIGUOUS: what Encrypt and Decrypt answer for a key that is not AES-256 is not
    said, because KMS never asks. Ours: InvalidKeyUsageException.
    """
    if not key.supports(operation):
        raise XksError(ErrorName.INVALID_KEY_USAGE)


def check_sizes(parameters: EncryptParameters | DecryptParameters) -> None:
    """The maximum sizes of this implementation."""
    text = (
        parameters.plaintext
        if isinstance(parameters, EncryptParameters)
        else parameters.ciphertext
    )
    if len(text) > MAX_TEXT_BYTES:
        raise XksError(
            ErrorName.UNSUPPORTED_OPERATION,
            f"At most {MAX_TEXT_BYTES} bytes of plaintext or ciphertext are supported.",
        )
    if len(parameters.additional_authenticated_data) > MAX_AAD_BYTES:
        raise XksError(
            ErrorName.UNSUPPORTED_OPERATION,
            f"At most {MAX_AAD_BYTES} bytes of AAD are supported.",
        )


def get_key_metadata(key: ExternalKey) -> KeyMetadata:
    """The attributes of the key, as they are now."""
    return KeyMetadata(
        key_spec=key.key_spec, key_usage=key.key_usage, key_status=key.status.value
    )


def seal(
    key: ExternalKey, parameters: EncryptParameters, rules: Rules
) -> EncryptResult:
    """One encryption in the external key manager."""
    metadata = key.ciphertext_metadata
    bound = rules.authenticated_data(
        parameters.additional_authenticated_data, metadata or b""
    )
    iv, ciphertext, tag = key.seal(parameters.plaintext, bound)
    return EncryptResult(
        ciphertext=ciphertext,
        ciphertext_metadata=metadata,
        initialization_vector=iv,
        authentication_tag=tag,
    )


def open_(key: ExternalKey, parameters: DecryptParameters, rules: Rules) -> bytes:
    """One decryption in the external key manager."""
    try:
        return key.open(
            initialization_vector=parameters.initialization_vector,
            ciphertext=parameters.ciphertext,
            authentication_tag=parameters.authentication_tag,
            authenticated_data=rules.authenticated_data(
                parameters.additional_authenticated_data,
                parameters.ciphertext_metadata,
            ),
            ciphertext_metadata=parameters.ciphertext_metadata,
        )
    except CannotDecryptError:
        raise XksError(ErrorName.INVALID_CIPHERTEXT) from None


def encrypt(
    key: ExternalKey, parameters: EncryptParameters, rules: Rules
) -> EncryptResult:
    """Encrypt; with a CDIV, the recommended steps of Appendix C in their order."""
    result = rules.seal(key, parameters, rules)
    if not parameters.wants_cdiv:
        return result
    cdiv = rules.cdiv(
        additional_authenticated_data=parameters.additional_authenticated_data,
        ciphertext_metadata=result.ciphertext_metadata or b"",
        initialization_vector=result.initialization_vector,
        ciphertext=result.ciphertext,
        authentication_tag=result.authentication_tag,
    )
    # AMBIGUOUS: the verifying decryption is recommended, and an encrypt-only key cannot
    # do it. Ours: InvalidKeyUsageException, as AWS's test client expects.
    rules.check_key_usage(key, Operation.DECRYPT)
    rules.open(key, as_it_comes_back(parameters, result), rules)
    return EncryptResult(
        ciphertext=result.ciphertext,
        ciphertext_metadata=result.ciphertext_metadata,
        initialization_vector=result.initialization_vector,
        authentication_tag=result.authentication_tag,
        ciphertext_data_integrity_value=cdiv,
    )


def as_it_comes_back(
    parameters: EncryptParameters, result: EncryptResult
) -> DecryptParameters:
    """The Decrypt request that belongs to the answer of an Encrypt request."""
    return DecryptParameters(
        ciphertext=result.ciphertext,
        ciphertext_metadata=result.ciphertext_metadata or b"",
        additional_authenticated_data=parameters.additional_authenticated_data,
        initialization_vector=result.initialization_vector,
        authentication_tag=result.authentication_tag,
    )


def health(fleet: ProxyFleet) -> HealthStatus:
    """The deep check."""
    return fleet.check()


def respond(document: Mapping[str, object]) -> Response:
    """A success; "Success Response Code: 200"."""
    return _json_response(200, document)


def respond_error(error: XksError) -> Response:
    """Any other answer of the API ("Error codes")."""
    return _json_response(error.status, messages.render_error(error))


def refuse_method(method: str) -> Response:
    """Any method but POST is a 405 Method Not Allowed ("API operations": MUST).

    AMBIGUOUS: no error name is defined for 405. Ours: the one for a request that is not
    valid. RFC 9110, section 15.5.6, asks for ``Allow``.
    """
    error = XksError(
        ErrorName.VALIDATION, f"The method must be POST, not {method[:16]}."
    )
    return Response(
        status=405,
        headers=(("Content-Type", messages.CONTENT_TYPE), ("Allow", "POST")),
        body=messages.render(messages.render_error(error)),
    )


def deliver(response: Response, _: Request) -> Delivery:
    """The answer travels at once, and whole."""
    return Delivery(response=response)


def _json_response(status: int, document: Mapping[str, object]) -> Response:
    return Response(
        status=status,
        headers=(("Content-Type", messages.CONTENT_TYPE),),
        body=messages.render(document),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the proxy answers, in the order in which the steps are taken."""

    parse_path: Callable[[str], Route | None] = parse_path
    allows_method: Callable[[str], bool] = "POST".__eq__
    authenticate: Callable[[Request, Mapping[str, str], datetime], str] = authenticate
    admit: Callable[[ProxyKeyStore], None] = admit
    parse_document: Callable[[bytes], Document] = messages.parse_document
    parse_metadata: Callable[[Document, Operation], RequestMetadata] = (
        messages.parse_metadata
    )
    check_store: Callable[[ProxyKeyStore], None] = check_store
    authorize: Callable[[ProxyKeyStore, Route, RequestMetadata], None] = authorize
    find_key: Callable[[ProxyKeyStore, str], ExternalKey] = find_key
    check_key_state: Callable[[ExternalKey, Operation], None] = check_key_state
    check_key_usage: Callable[[ExternalKey, Operation], None] = check_key_usage
    parse_parameters: Callable[
        [Document, Operation], EncryptParameters | DecryptParameters | None
    ] = messages.parse_parameters
    check_lengths: Callable[[EncryptParameters | DecryptParameters], None] = (
        messages.check_lengths
    )
    check_sizes: Callable[[EncryptParameters | DecryptParameters], None] = check_sizes
    get_key_metadata: Callable[[ExternalKey], KeyMetadata] = get_key_metadata
    encrypt: Callable[[ExternalKey, EncryptParameters, Rules], EncryptResult] = encrypt
    seal: Callable[[ExternalKey, EncryptParameters, Rules], EncryptResult] = seal
    open: Callable[[ExternalKey, DecryptParameters, Rules], bytes] = open_
    authenticated_data: Callable[[bytes, bytes], bytes] = authenticated_data
    cdiv: Callable[..., bytes] = ciphertext_data_integrity_value
    health: Callable[[ProxyFleet], HealthStatus] = health
    respond: Callable[[Mapping[str, object]], Response] = respond
    respond_error: Callable[[XksError], Response] = respond_error
    refuse_method: Callable[[str], Response] = refuse_method
    deliver: Callable[[Response, Request], Delivery] = deliver
    log: Callable[[JournalEntry], None] = logs.write
