"""Faults of the ciphertext data integrity value (Appendix C)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.cryptography.ciphertexts import (
    reading,
)
from pytest_xks.proxy.faults.patterns import fails_internally
from pytest_xks.proxy.rules import as_it_comes_back
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        EncryptParameters,
        EncryptResult,
    )


@fault(violates=("XKS-CDIV-004",))
def ignores_cdiv_algorithm() -> Effect:
    """Takes any ciphertextDataIntegrityValueAlgorithm for SHA_256."""
    member = "ciphertextDataIntegrityValueAlgorithm"

    def change(document: dict[str, Any]) -> None:
        if member in document:
            document[member] = "SHA_256"

    return reading(change)


row(
    "omits-cdiv",
    "Returns no ciphertextDataIntegrityValue.",
    Edit(lambda document: document.pop("ciphertextDataIntegrityValue", None)),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-CDIV-001",),
)


def _cdiv(compute: Callable[..., bytes]) -> Effect:
    """Another computation; ``compute`` takes the good one and the parts."""
    return Replace("cdiv", compute)


row(
    "wrong-cdiv",
    "Returns a ciphertextDataIntegrityValue of zero bytes.",
    _cdiv(lambda _good, **_parts: bytes(32)),
    violates=("XKS-CDIV-002", "XKS-CDIV-003"),
)
row(
    "cdiv-ignores-ciphertext-metadata",
    "Leaves ciphertextMetadata out of the CDIV.",
    _cdiv(lambda good, **parts: good(**{**parts, "ciphertext_metadata": b""})),
    violates=("XKS-CDIV-002", "XKS-CDIV-003"),
)


@fault(violates=("XKS-CDIV-002", "XKS-CDIV-003"))
def cdiv_in_other_order() -> Effect:
    """Computes the CDIV over the tag first and the vector last."""

    def compute(good: Callable[..., bytes], **parts: bytes) -> bytes:
        vector, tag = parts["initialization_vector"], parts["authentication_tag"]
        return good(
            **{**parts, "initialization_vector": tag, "authentication_tag": vector}
        )

    return _cdiv(compute)


@fault(violates=("XKS-CDIV-003",))
def cdiv_without_aad_hashes_lengths() -> Effect:
    """Puts a length of zero into the CDIV where there is no AAD."""

    def compute(good: Callable[..., bytes], **parts: bytes) -> bytes:
        aad = parts["additional_authenticated_data"] or b"\0\0"
        return good(**{**parts, "additional_authenticated_data": aad})

    return _cdiv(compute)


@fault(violates=("XKS-CDIV-005",))
def cdiv_of_undecryptable_response() -> Effect:
    """With a CDIV, sends a corrupted tag, and a CDIV that matches it."""

    def encrypt(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        result = proceed(key, parameters, rules)
        if not parameters.wants_cdiv:
            return result
        tag = result.authentication_tag[:-1] + b"\0"
        bad = replace(result, authentication_tag=tag)
        given = as_it_comes_back(parameters, bad)
        cdiv = rules.cdiv(
            additional_authenticated_data=given.additional_authenticated_data,
            ciphertext_metadata=given.ciphertext_metadata,
            initialization_vector=given.initialization_vector,
            ciphertext=given.ciphertext,
            authentication_tag=given.authentication_tag,
        )
        return replace(bad, ciphertext_data_integrity_value=cdiv)

    return Replace("encrypt", encrypt)


@fault(violates=("XKS-CDIV-006",))
def cdiv_with_encrypt_only_key_as_500() -> Effect:
    """Fails internally when a CDIV is asked of a key that cannot decrypt."""

    def encrypt(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        if parameters.wants_cdiv and not key.supports(Operation.DECRYPT):
            fails_internally()
        return proceed(key, parameters, rules)

    return Replace("encrypt", encrypt)
