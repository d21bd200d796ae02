"""ReEncrypt: between external key stores, into one, and out of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.run.session import require

from ..client.expect import control, success, violated
from ..client.signatures import authorization_of
from .calls import PLAINTEXT, asked, opened, sealed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

    Requests = tuple[ProxyRequest, ...]


@pytest.fixture
def standard_key(kms: KmsClient, provisioner: Provisioner) -> str:
    """The ARN of a KMS key of the origin AWS_KMS; it is deleted with the run."""
    require(kms.target, "standard_keys")
    reply = kms.call("CreateKey", label="control: a key of the origin AWS_KMS")
    metadata = control(reply).get("KeyMetadata") or {}
    provisioner.adopt_key(reply)
    if not isinstance(metadata.get("Arn"), str):
        raise NotTestable("CreateKey returned no Arn.")
    return str(metadata["Arn"])


def _re_encrypt(
    kms: KmsClient, probe_proxy: ProbeProxy, blob: bytes, source: str, destination: str
) -> tuple[KmsReply, Requests]:
    """ReEncrypt from key ARN to key ARN, and what any proxy was asked meanwhile."""
    with probe_proxy.watching() as requests:
        reply = kms.call(
            "ReEncrypt",
            CiphertextBlob=blob,
            SourceKeyId=source,
            DestinationKeyId=destination,
        )
    return reply, requests()


def _expect_asked(
    reply: KmsReply, requests: Requests, *expected: tuple[str, Key]
) -> None:
    """The proxy was asked for these, each for its own key, in this order.

    A request that comes twice in a row counts once: a time-out is retried.
    """
    wanted = [_wanted(operation, key) for operation, key in expected]
    found = _without_repeats(_as_text(request) for request in asked(requests))
    if found != wanted:
        violated(reply, " and then ".join(wanted), " and then ".join(found))


def _wanted(operation: str, key: Key) -> str:
    proxy = key.store.proxy
    return (
        f"{proxy.uri_path}/keys/{key.external_key.id}/{operation} with "
        f"kmsOperation ReEncrypt and kmsKeyArn {key.arn}, signed with "
        f"{proxy.credential['AccessKeyId']}"
    )


def _as_text(request: ProxyRequest) -> str:
    metadata = request.request_metadata
    authorization = authorization_of(request)
    return (
        f"{request.path} with kmsOperation {metadata.get('kmsOperation')!s:.80} and "
        f"kmsKeyArn {metadata.get('kmsKeyArn')!s:.200}, signed with "
        f"{authorization.access_key_id if authorization else 'nothing readable'}"
    )


def _without_repeats(texts: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if kept[-1:] != [text]:
            kept.append(text)
    return kept


@pytest.mark.requirement("KMS-CRYPTO-003")
def test_between_stores(
    kms: KmsClient, probe_proxy: ProbeProxy, key: Key, other_key: Key
) -> None:
    """Decrypt at the source's proxy comes first, Encrypt at the destination's second.

    Each has the key ARN, the credential and the external key of its own side, and
    kmsOperation is ReEncrypt on both.
    """
    blob = sealed(kms, key)
    reply, requests = _re_encrypt(kms, probe_proxy, blob, key.arn, other_key.arn)
    new = control(reply)["CiphertextBlob"]
    _expect_asked(reply, requests, ("decrypt", key), ("encrypt", other_key))
    if control(opened(kms, other_key, new)).get("Plaintext") != PLAINTEXT:
        violated(reply, "a blob of the same plaintext", "a blob of another one")


@pytest.mark.requirement("KMS-CRYPTO-003")
def test_within_a_key(kms: KmsClient, probe_proxy: ProbeProxy, key: Key) -> None:
    """From a key to itself there are two requests, too."""
    reply, requests = _re_encrypt(kms, probe_proxy, sealed(kms, key), key.arn, key.arn)
    control(reply)
    _expect_asked(reply, requests, ("decrypt", key), ("encrypt", key))


@pytest.mark.requirement("KMS-CRYPTO-004")
def test_one_request_id(
    kms: KmsClient, probe_proxy: ProbeProxy, key: Key, other_key: Key
) -> None:
    """Both requests have the same kmsRequestId: that of the one call."""
    blob = sealed(kms, key)
    reply, requests = _re_encrypt(kms, probe_proxy, blob, key.arn, other_key.arn)
    control(reply)
    ids = {r.request_metadata.get("kmsRequestId") for r in asked(requests)}
    if len(ids) != 1:
        violated(reply, "one kmsRequestId", f"{len(ids)} of them")


@pytest.mark.requirement("KMS-CRYPTO-027")
def test_into_a_store(
    kms: KmsClient, probe_proxy: ProbeProxy, key: Key, standard_key: str
) -> None:
    """From a key of the origin AWS_KMS, the proxy is asked to encrypt only."""
    encrypted = kms.call(
        "Encrypt",
        KeyId=standard_key,
        Plaintext=PLAINTEXT,
        label="control: a key of the origin AWS_KMS encrypts",
    )
    blob = control(encrypted)["CiphertextBlob"]
    reply, requests = _re_encrypt(kms, probe_proxy, blob, standard_key, key.arn)
    new = success(reply)["CiphertextBlob"]
    _expect_asked(reply, requests, ("encrypt", key))
    if control(opened(kms, key, new)).get("Plaintext") != PLAINTEXT:
        violated(reply, "a blob of the same plaintext", "a blob of another one")


@pytest.mark.requirement("KMS-CRYPTO-027")
def test_out_of_a_store(
    kms: KmsClient, probe_proxy: ProbeProxy, key: Key, standard_key: str
) -> None:
    """To a key of the origin AWS_KMS, the proxy is asked to decrypt only."""
    blob = sealed(kms, key)
    reply, requests = _re_encrypt(kms, probe_proxy, blob, key.arn, standard_key)
    new = success(reply)["CiphertextBlob"]
    _expect_asked(reply, requests, ("decrypt", key))
    decrypted = kms.call(
        "Decrypt",
        KeyId=standard_key,
        CiphertextBlob=new,
        label="control: the new blob decrypts",
    )
    if control(decrypted).get("Plaintext") != PLAINTEXT:
        violated(reply, "a blob of the same plaintext", "a blob of another one")
