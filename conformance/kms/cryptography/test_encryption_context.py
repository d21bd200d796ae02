"""The encryption context: bound to the ciphertext, and opaque to the proxy.

The proxy gets it as additionalAuthenticatedData, in a form that KMS chooses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases, own_key
from ..client.expect import (
    FAILS,
    control,
    control_refused,
    expect,
    refused,
    success,
    violated,
)
from .calls import CONTEXT, asked, binary, good_call, opened, sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient

AAD_BYTES = 8192

REORDERED = dict(reversed(CONTEXT.items()))

WRONG = [
    pytest.param(None, id="missing"),
    pytest.param({"project": "nile"}, id="pair-missing"),
    pytest.param({**CONTEXT, "more": "of it"}, id="pair-added"),
    pytest.param({**CONTEXT, "project": "volga"}, id="other-value"),
    pytest.param({**CONTEXT, "project": "Nile"}, id="other-case-of-value"),
    pytest.param(
        {"Project": "nile", "department": "marketing"}, id="other-case-of-key"
    ),
    pytest.param({"nile": "project", "department": "marketing"}, id="key-and-value"),
    pytest.param({"projectn": "ile", "department": "marketing"}, id="other-border"),
]

DECRYPTING = [
    pytest.param("Decrypt", "EncryptionContext", id="Decrypt"),
    pytest.param("ReEncrypt", "SourceEncryptionContext", id="ReEncrypt"),
]


@pytest.mark.requirement("KMS-CRYPTO-019")
@cases("operation", ["Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"])
@cases(
    "context",
    [
        pytest.param(CONTEXT, id="same-order"),
        pytest.param(REORDERED, id="other-order"),
    ],
)
def test_same_context(
    kms: KmsClient, key: Key, operation: str, context: Mapping[str, str]
) -> None:
    """With the same pairs, in whatever order, a ciphertext decrypts."""
    reply = kms.call(operation, **good_call(kms, operation, key, context=CONTEXT))
    blob = control(reply)["CiphertextBlob"]
    success(opened(kms, key, blob, context))


@pytest.mark.requirement("KMS-CRYPTO-019")
def test_contexts_of_re_encrypt(kms: KmsClient, key: Key) -> None:
    """ReEncrypt takes one context for the source and another for the destination."""
    parameters = good_call(kms, "ReEncrypt", key, context=CONTEXT)
    destination = {"project": "volga"}
    parameters["DestinationEncryptionContext"] = destination
    blob = control(kms.call("ReEncrypt", **parameters))["CiphertextBlob"]
    success(opened(kms, key, blob, destination))
    reply = opened(kms, key, blob, CONTEXT, label="probe: the source's context")
    expect(reply, FAILS)


@pytest.mark.requirement("KMS-CRYPTO-019")
@cases(("operation", "member"), DECRYPTING)
@cases("context", WRONG)
def test_other_context(
    kms: KmsClient,
    key: Key,
    operation: str,
    member: str,
    context: Mapping[str, str] | None,
) -> None:
    """With any other context a ciphertext does not decrypt."""
    parameters = good_call(kms, operation, key, context=CONTEXT)
    control(kms.call(operation, label="control: the right context", **parameters))
    del parameters[member]
    if context is not None:
        parameters[member] = context
    reply = kms.call(operation, **parameters)
    # Which error it is, is KMS-CRYPTO-022's to judge.
    expect(reply, FAILS, note=f"The ciphertext is bound to {CONTEXT}.")


@pytest.mark.requirement("KMS-CRYPTO-019")
def test_context_where_there_was_none(kms: KmsClient, key: Key) -> None:
    """What was encrypted without a context does not decrypt with one."""
    blob = sealed(kms, key)
    control(opened(kms, key, blob, label="control: no context"))
    reply = opened(kms, key, blob, CONTEXT)
    expect(reply, FAILS)


@pytest.mark.requirement("KMS-CRYPTO-022")
@cases(("operation", "member"), DECRYPTING)
@cases(
    "context",
    [
        pytest.param(None, id="missing"),
        pytest.param({**CONTEXT, "project": "volga"}, id="other-value"),
    ],
)
def test_exception_of_another_context(
    kms: KmsClient,
    key: Key,
    operation: str,
    member: str,
    context: Mapping[str, str] | None,
) -> None:
    """A wrong or missing context is a KMSInvalidStateException.

    And not the InvalidCiphertextException of other keys: the proxy finds it out.
    """
    parameters = good_call(kms, operation, key, context=CONTEXT)
    control(kms.call(operation, label="control: the right context", **parameters))
    del parameters[member]
    if context is not None:
        parameters[member] = context
    reply = control_refused(kms.call(operation, **parameters))
    expect(reply, refused("KMSInvalidStateException"))


# -- what the proxy gets ----------------------------------------------------------


def _aad(request: ProxyRequest) -> bytes:
    """The decoded AAD; none is no bytes."""
    return binary(request.document, "additionalAuthenticatedData") or b""


@pytest.mark.requirement("KMS-CRYPTO-020")
@cases("size", [100, 4000, 6000, 7900, 9000], key=own_key)
def test_length_of_aad(kms: KmsClient, key: Key, size: int) -> None:
    """The AAD has at most 8192 bytes, for no proxy has to take more.

    An encryption context that is too long for that may be refused, before the proxy
    is asked.
    """
    context = {f"pair-{i}": "x" * 90 for i in range(size // 100)}
    with key.proxy.watching() as requests:
        reply = kms.call("Encrypt", **good_call(kms, "Encrypt", key, context=context))
    if reply.code is not None and not requests():
        return
    for request in asked(requests(), "encrypt"):
        value = request.document.get("additionalAuthenticatedData")
        if not isinstance(value, str):
            violated(
                reply,
                "additionalAuthenticatedData: a Base64 string",
                f"additionalAuthenticatedData: {value!r:.80}",
            )
        if len(_aad(request)) > AAD_BYTES:
            violated(
                reply,
                f"AAD of at most {AAD_BYTES} bytes",
                f"{len(_aad(request))} bytes",
            )


@pytest.mark.requirement("KMS-CRYPTO-020")
def test_aad_depends_on_the_context(kms: KmsClient, key: Key) -> None:
    """Another encryption context is another AAD."""
    seen = []
    for context in (CONTEXT, {"project": "volga"}):
        with key.proxy.watching() as requests:
            reply = kms.call(
                "Encrypt", **good_call(kms, "Encrypt", key, context=context)
            )
        control(reply)
        seen.append(_aad(asked(requests(), "encrypt")[-1]))
    if seen[0] == seen[1]:
        violated(reply, "another AAD than for another context", "the same bytes")


@pytest.mark.requirement("KMS-CRYPTO-021")
@cases(("operation", "member"), DECRYPTING, key=own_key)
@cases(
    "context",
    [
        pytest.param({}, id="no-context"),
        pytest.param(CONTEXT, id="same-order"),
        pytest.param(REORDERED, id="other-order"),
    ],
)
def test_aad_is_the_same_again(
    kms: KmsClient, key: Key, operation: str, member: str, context: Mapping[str, str]
) -> None:
    """For Decrypt the proxy gets byte for byte the AAD that it got for Encrypt."""
    with key.proxy.watching() as requests:
        blob = sealed(kms, key, context=CONTEXT if context else None)
    before = _aad(asked(requests(), "encrypt")[-1])
    parameters = good_call(kms, operation, key, blob=blob)
    parameters[member] = context
    with key.proxy.watching() as requests:
        reply = kms.call(operation, **parameters)
    found = asked(requests(), "decrypt")
    if not found[-1].document:
        raise NotTestable("The proxy got no JSON object for Decrypt.")
    if _aad(found[-1]) != before:
        violated(reply, "the AAD of Encrypt", "another one")
