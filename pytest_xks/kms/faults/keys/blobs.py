"""Ciphertext blobs that tell too much, and those that nobody made (KMS-CRYPTO)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.proxy_api.encoding import decode_base64, encode_base64

if TYPE_CHECKING:
    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document

_MEMBER = "CiphertextBlob"
_MARK = b"=plaintext:"
_LONG = 100
_MOST_BYTES = 6144


def _with_blob(call: Call, blob: bytes) -> Call:
    return replace(call, parameters={**call.parameters, _MEMBER: encode_base64(blob)})


@fault(violates=("KMS-CRYPTO-028",), operations=("Decrypt", "ReEncrypt"))
def byte_after_the_blob_ignored() -> Effects:
    """Leaves out a zero at the end of a blob that does not decrypt with it."""

    def open_blob(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError:
            blob = decode_base64(call.text(_MEMBER) or "")
            if len(blob) > _MOST_BYTES or not blob.endswith(b"\0"):
                raise
            return proceed(context, _with_blob(call, blob[:-1]))

    return Replace(answer, open_blob)


@fault(
    violates=("KMS-CRYPTO-028", "KMS-CRYPTO-029"),
    operations=("Encrypt", "Decrypt", "ReEncrypt"),
)
def plaintext_in_the_blob() -> Effects:
    """Puts short plaintexts, in Base64, beside their ciphertexts."""

    def keep(proceed: Answer, context: Context, call: Call) -> Document | None:
        if call.operation != "Encrypt":
            blob = decode_base64(call.text(_MEMBER) or "")
            if len(blob) <= _MOST_BYTES:
                blob = blob.partition(_MARK)[0]
            return proceed(context, _with_blob(call, blob))
        document = proceed(context, call)
        plaintext = call.text("Plaintext") or ""
        if document and len(plaintext) < _LONG:
            blob = decode_base64(document[_MEMBER]) + _MARK + plaintext.encode()
            document[_MEMBER] = encode_base64(blob)
        return document

    return Replace(answer, keep)
