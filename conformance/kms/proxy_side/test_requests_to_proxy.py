"""What the endpoint sends to the proxy: the request, its signature, requestMetadata.

Each operation of the KMS API is called once, and every check looks at the same requests
(``traffic``). What the proxy answered plays no part here.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import violated
from ..client.signatures import authorization_of, signature_over
from ..cryptography.calls import CRYPTO_OPERATIONS, asked, opened, sealed
from .traffic import ASK_FOR_HEALTH, ASK_FOR_METADATA, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.kms_client import KmsClient, KmsEndpoint
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from ..client.signatures import Authorization
    from .traffic import Trace

EVERY = (*ASK_FOR_HEALTH, *ASK_FOR_METADATA, *CRYPTO_OPERATIONS)

_SKEW_SECONDS = 300
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(?P<account>[0-9]{12}):\S+")
_VPC = re.compile(r"vpc-[0-9a-z]+")
_VPCE = re.compile(r"vpce-[0-9a-z]+")

ENCRYPT_MEMBERS = {
    "requestMetadata",
    "plaintext",
    "encryptionAlgorithm",
    "additionalAuthenticatedData",
    "ciphertextDataIntegrityValueAlgorithm",
}
DECRYPT_MEMBERS = {
    "requestMetadata",
    "ciphertext",
    "encryptionAlgorithm",
    "initializationVector",
    "authenticationTag",
    "ciphertextMetadata",
    "additionalAuthenticatedData",
}
DOCUMENTED_MEMBERS = {
    "encrypt": ENCRYPT_MEMBERS,
    "decrypt": DECRYPT_MEMBERS,
    "metadata": {"requestMetadata"},
    "health": {"requestMetadata"},
}


@pytest.fixture(scope="module")
def traffic(kms_of_the_run: KmsClient, session_provisioner: Provisioner) -> Traffic:
    """The requests of this run."""
    return Traffic(kms_of_the_run, session_provisioner)


def _each(trace: Trace) -> Iterator[tuple[ProxyRequest, Mapping[str, object]]]:
    for request in trace.requests:
        yield request, request.request_metadata


def _text(metadata: Mapping[str, object], member: str) -> str:
    """A member of requestMetadata that has to be there before it can be judged."""
    value = metadata.get(member)
    if isinstance(value, str) and value:
        return value
    raise NotTestable(f"requestMetadata has no {member}.")


def _require_texts(
    reply: KmsReply,
    what: str,
    members: Mapping[str, object],
    required: tuple[str, ...],
) -> None:
    """Each of these is a string, and not an empty one."""
    for name in required:
        value = members.get(name)
        if not isinstance(value, str) or not value:
            violated(reply, f"{name}: a string", f"{what} has {name}: {value!r:.120}")


def _require_metadata(trace: Trace, *required: str) -> None:
    """Every request has these texts in its requestMetadata."""
    for request, metadata in _each(trace):
        what = f"requestMetadata of {request.operation}"
        _require_texts(trace.reply, what, metadata, required)


# -- the request ------------------------------------------------------------------


@pytest.mark.requirement("KMS-WIRE-001")
@pytest.mark.parametrize("operation", EVERY)
def test_request_line_and_content_type(traffic: Traffic, operation: str) -> None:
    """Every call of the proxy is a POST of JSON, without a query string."""
    trace = traffic.of(operation)
    for request in trace.requests:
        kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
        if (request.method, kind) != ("POST", "application/json"):
            violated(
                trace.reply,
                "POST with Content-Type: application/json",
                f"{request.method} with Content-Type: {kind!r:.120}",
            )
        if "?" in request.target:
            violated(trace.reply, "no query string", f"a target {request.target!r}")
        if not request.document:
            violated(trace.reply, "a JSON object as the body", "something else")


@pytest.mark.requirement("KMS-WIRE-002")
@pytest.mark.parametrize("operation", EVERY)
def test_signature(traffic: Traffic, endpoint: KmsEndpoint, operation: str) -> None:
    """Every call is signed with the store's credential, for the Region and the service.

    The signature is computed anew by botocore, over the request as received. Host and
    x-amz-date have to be signed; other headers may be.
    """
    trace = traffic.of(operation)
    for request in trace.requests:
        found = authorization_of(request)
        if found is None:
            violated(
                trace.reply,
                "an Authorization header of AWS4-HMAC-SHA256 with Credential, "
                "SignedHeaders and Signature",
                f"{request.operation} with another one, or none",
            )
        _expect_scope(trace, request, found, endpoint.target.region)
        secret = trace.credentials.get(found.access_key_id)
        if secret is None:
            violated(
                trace.reply,
                "the AccessKeyId of the key store's credential",
                f"another one ({found.access_key_id!r:.40})",
            )
        expected = signature_over(request, found, secret)
        if not hmac.compare_digest(expected, found.signature):
            violated(
                trace.reply,
                "the signature over method, path, signed headers and body",
                f"another one, SignedHeaders={';'.join(found.signed_headers)!r:.200}",
            )


def _expect_scope(
    trace: Trace, request: ProxyRequest, found: Authorization, region: str
) -> None:
    """The credential scope, and what has to be signed at the least."""
    date = (request.header("x-amz-date") or "")[:8]
    scope = (date, region, "kms-xks-proxy", "aws4_request")
    if found.scope != scope:
        violated(
            trace.reply,
            f"the credential scope {'/'.join(scope)}",
            f"{'/'.join(found.scope)!r:.200}",
        )
    if not {"host", "x-amz-date"} <= set(found.signed_headers):
        violated(
            trace.reply,
            "host and x-amz-date among the signed headers",
            f"SignedHeaders={';'.join(found.signed_headers)!r:.200}",
        )


@pytest.mark.requirement("KMS-WIRE-003")
@pytest.mark.parametrize("operation", EVERY)
def test_date(traffic: Traffic, operation: str) -> None:
    """x-amz-date is the time of the request, in UTC, as YYYYMMDDThhmmssZ."""
    trace = traffic.of(operation)
    for request in trace.requests:
        text = request.header("x-amz-date") or ""
        if not _TIMESTAMP.fullmatch(text):
            violated(
                trace.reply, "x-amz-date: YYYYMMDDThhmmssZ", f"x-amz-date: {text!r:.60}"
            )
        try:
            moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            violated(trace.reply, "x-amz-date: a date", f"x-amz-date: {text!r}")
        if abs((datetime.now(UTC) - moment).total_seconds()) > _SKEW_SECONDS:
            violated(
                trace.reply,
                "a time within five minutes of this machine's clock",
                f"x-amz-date: {text}",
            )


# -- requestMetadata --------------------------------------------------------------


@pytest.mark.requirement("KMS-WIRE-004")
@pytest.mark.parametrize("operation", CRYPTO_OPERATIONS)
def test_metadata_of_encrypt_and_decrypt(traffic: Traffic, operation: str) -> None:
    """Encrypt and Decrypt name the caller, the KMS key, the operation and the request.

    kmsKeyArn is the key's ARN, in whatever way the caller named it.
    """
    trace = traffic.of(operation)
    _require_metadata(
        trace, "awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"
    )
    for _, metadata in _each(trace):
        if trace.key and metadata["kmsKeyArn"] != trace.key.arn:
            violated(
                trace.reply,
                f"kmsKeyArn: {trace.key.arn!r}",
                f"kmsKeyArn: {metadata['kmsKeyArn']!r:.200}",
            )


@pytest.mark.requirement("KMS-WIRE-005")
@pytest.mark.parametrize("operation", ASK_FOR_METADATA)
def test_metadata_of_get_key_metadata(traffic: Traffic, operation: str) -> None:
    """GetKeyMetadata names the caller, the operation and the request."""
    trace = traffic.of(operation)
    _require_metadata(trace, "awsPrincipalArn", "kmsOperation", "kmsRequestId")


@pytest.mark.requirement("KMS-WIRE-006")
@pytest.mark.parametrize("operation", ASK_FOR_HEALTH)
def test_metadata_of_get_health_status(traffic: Traffic, operation: str) -> None:
    """GetHealthStatus names the operation and the request."""
    trace = traffic.of(operation)
    _require_metadata(trace, "kmsOperation", "kmsRequestId")


@pytest.mark.requirement("KMS-WIRE-019")
@pytest.mark.parametrize("operation", EVERY)
def test_kms_operation(traffic: Traffic, operation: str) -> None:
    """Every request names the operation of the KMS API that it is made for."""
    trace = traffic.of(operation)
    for request, metadata in _each(trace):
        name = metadata.get("kmsOperation")
        if name != operation:
            violated(
                trace.reply,
                f"kmsOperation: {operation!r}",
                f"{request.operation} has kmsOperation: {name!r:.80}",
            )


@pytest.mark.requirement("KMS-WIRE-017")
@pytest.mark.parametrize("operation", [*ASK_FOR_HEALTH, *ASK_FOR_METADATA])
def test_metadata_without_a_key(traffic: Traffic, operation: str) -> None:
    """Where there is no KMS key yet, requestMetadata says nothing of one.

    GetHealthStatus says nothing of the caller either.
    """
    trace = traffic.of(operation)
    for request, metadata in _each(trace):
        none = {"kmsKeyArn", "kmsViaService"}
        if request.operation == "health":
            none |= {"awsPrincipalArn", "awsSourceVpc", "awsSourceVpce"}
        if present := sorted(none & metadata.keys()):
            violated(
                trace.reply,
                f"{request.operation} without {', '.join(sorted(none))}",
                f"requestMetadata has {', '.join(present)}",
            )


@pytest.mark.requirement("KMS-WIRE-007")
@pytest.mark.parametrize("operation", [*ASK_FOR_METADATA, *CRYPTO_OPERATIONS])
def test_principal(traffic: Traffic, operation: str) -> None:
    """awsPrincipalArn is an ARN of IAM or STS, in the account of the caller.

    The caller of this suite owns the keys, so it is the account in their ARNs.
    """
    trace = traffic.of(operation)
    key = trace.key or traffic.of("Encrypt").key
    account = key.arn.split(":")[4] if key else ""
    for _, metadata in _each(trace):
        principal = _text(metadata, "awsPrincipalArn")
        match = _PRINCIPAL.fullmatch(principal)
        if match is None or match["account"] != account:
            violated(
                trace.reply,
                f"awsPrincipalArn: the caller's ARN, in the account {account}",
                f"awsPrincipalArn: {principal!r:.200}",
            )


@pytest.mark.requirement("KMS-WIRE-008")
@pytest.mark.parametrize("operation", [*ASK_FOR_METADATA, *CRYPTO_OPERATIONS])
def test_source_vpc(traffic: Traffic, operation: str) -> None:
    """awsSourceVpc and awsSourceVpce are absent, for no VPC endpoint was used.

    Both with the ids of a VPC and of a VPC endpoint are accepted: the network between
    the suite and the endpoint may have one.
    """
    trace = traffic.of(operation)
    for _, metadata in _each(trace):
        sources = {
            name: metadata[name]
            for name in ("awsSourceVpc", "awsSourceVpce")
            if name in metadata
        }
        vpc, vpce = str(sources.get("awsSourceVpc")), str(sources.get("awsSourceVpce"))
        if sources and not (_VPC.fullmatch(vpc) and _VPCE.fullmatch(vpce)):
            violated(
                trace.reply,
                (
                    "neither awsSourceVpc nor awsSourceVpce",
                    "awsSourceVpc: vpc-… and awsSourceVpce: vpce-…",
                ),
                f"{sources!r:.200}",
            )


@pytest.mark.requirement("KMS-WIRE-009")
@pytest.mark.parametrize("operation", EVERY)
def test_request_id(traffic: Traffic, operation: str) -> None:
    """kmsRequestId is the request id that the caller gets for the call."""
    trace = traffic.of(operation)
    request_id = trace.reply.request_id
    if not request_id:
        raise NotTestable("The answer of the endpoint has no x-amzn-RequestId.")
    for request, metadata in _each(trace):
        found = _text(metadata, "kmsRequestId")
        if found != request_id:
            violated(
                trace.reply,
                f"kmsRequestId: {request_id!r}, as in x-amzn-RequestId",
                f"{request.operation} with kmsRequestId: {found!r:.120}",
            )


@pytest.mark.requirement("KMS-WIRE-009")
def test_request_ids_differ(traffic: Traffic) -> None:
    """Two calls have two values of kmsRequestId."""
    first, second = traffic.of("Encrypt"), traffic.of("Decrypt")
    ids = {
        _text(t.requests[0].request_metadata, "kmsRequestId") for t in (first, second)
    }
    if len(ids) == 1:
        violated(
            second.reply, "another kmsRequestId than that of Encrypt", f"again {ids}"
        )


@pytest.mark.requirement("KMS-WIRE-010")
@pytest.mark.parametrize("operation", [*ASK_FOR_METADATA, *CRYPTO_OPERATIONS])
def test_no_via_service(traffic: Traffic, operation: str) -> None:
    """There is no kmsViaService, for no AWS service made the call."""
    trace = traffic.of(operation)
    for _, metadata in _each(trace):
        if "kmsViaService" in metadata:
            violated(
                trace.reply,
                "no kmsViaService",
                f"kmsViaService: {metadata['kmsViaService']!r:.120}",
            )


# -- the members of Encrypt and Decrypt -------------------------------------------


def _check_work(reply: KmsReply, request: ProxyRequest, required: set[str]) -> None:
    """Required members are strings; optional ones are too, or are not there."""
    document: dict[str, Any] = request.document
    documented = DOCUMENTED_MEMBERS[request.operation] - {"requestMetadata"}
    for name in sorted(documented):
        value = document.get(name)
        if (name in document or name in required) and not isinstance(value, str):
            optional = "" if name in required else ", or no such member"
            violated(
                reply,
                f"{name}: a string{optional}",
                f"{request.operation} with {name}: {value!r:.80}"
                if name in document
                else f"{request.operation} without {name}",
            )
    if document["encryptionAlgorithm"] != "AES_GCM":
        violated(
            reply,
            "encryptionAlgorithm: 'AES_GCM'",
            f"encryptionAlgorithm: {document['encryptionAlgorithm']!r:.80}",
        )


@pytest.mark.requirement("KMS-WIRE-012")
@pytest.mark.parametrize("operation", [o for o in CRYPTO_OPERATIONS if o != "Decrypt"])
def test_members_of_encrypt(traffic: Traffic, operation: str) -> None:
    """Encrypt has plaintext and AES_GCM; the algorithm of the CDIV is SHA_256."""
    trace = traffic.of(operation)
    for request in asked(trace.requests, "encrypt"):
        _check_work(trace.reply, request, {"plaintext", "encryptionAlgorithm"})
        algorithm = request.document.get(
            "ciphertextDataIntegrityValueAlgorithm", "SHA_256"
        )
        if algorithm != "SHA_256":
            violated(
                trace.reply,
                (
                    "ciphertextDataIntegrityValueAlgorithm: 'SHA_256'",
                    "no ciphertextDataIntegrityValueAlgorithm",
                ),
                f"ciphertextDataIntegrityValueAlgorithm: {algorithm!r:.80}",
            )


_OF_DECRYPT = {
    "ciphertext",
    "encryptionAlgorithm",
    "initializationVector",
    "authenticationTag",
}


@pytest.mark.requirement("KMS-WIRE-013")
@pytest.mark.parametrize("operation", ["Decrypt", "ReEncrypt"])
def test_members_of_decrypt(traffic: Traffic, operation: str) -> None:
    """Decrypt has the ciphertext, AES_GCM, the initialization vector and the tag."""
    trace = traffic.of(operation)
    for request in asked(trace.requests, "decrypt"):
        _check_work(trace.reply, request, _OF_DECRYPT)


@pytest.mark.requirement("KMS-WIRE-013")
def test_no_ciphertext_metadata(kms: KmsClient, provisioner: Provisioner) -> None:
    """Decrypt has no ciphertextMetadata where Encrypt answered without."""
    key = provisioner.shared_key(kms, versioned=False)
    blob = sealed(kms, key)
    with key.store.proxy.watching() as requests:
        reply = opened(kms, key, blob)
    for request in asked(requests(), "decrypt"):
        _check_work(reply, request, _OF_DECRYPT)
        if "ciphertextMetadata" in request.document:
            violated(reply, "no ciphertextMetadata", "ciphertextMetadata is there")


@pytest.mark.requirement("KMS-WIRE-014")
@pytest.mark.parametrize("operation", CRYPTO_OPERATIONS)
def test_base64(traffic: Traffic, operation: str) -> None:
    """Binary members are standard Base64, with padding, and not the URL-safe one."""
    trace = traffic.of(operation)
    for request in trace.requests:
        for name, value in request.document.items():
            if name.endswith("lgorithm") or not isinstance(value, str):
                continue
            if not _BASE64.fullmatch(value):
                violated(
                    trace.reply,
                    f"{name} in standard Base64, padded",
                    f"{request.operation} with {name} of {len(value)} characters, "
                    f"other ones among them or their number wrong",
                )


@pytest.mark.requirement("KMS-WIRE-018")
@pytest.mark.parametrize("operation", EVERY)
def test_no_other_members(traffic: Traffic, operation: str) -> None:
    """The body has the documented members and no other."""
    trace = traffic.of(operation)
    for request in trace.requests:
        documented = DOCUMENTED_MEMBERS.get(request.operation, set())
        if others := sorted(request.document.keys() - documented):
            violated(
                trace.reply,
                f"{request.operation} with no other than {sorted(documented)}",
                f"also {', '.join(others)!r:.200}",
            )
