"""Chapter "GetKeyMetadata": kind, usage and status of external keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..client.bodies import ProxyOperation
from ..client.expect import SERVED, error, member_of, violated

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

_METADATA = ProxyOperation.GET_KEY_METADATA


def _metadata(proxy: ProxyClient, role: str = "usable") -> ProxyAnswer:
    """What GetKeyMetadata says of a key, to be looked at."""
    probe = proxy.probe(
        _METADATA, altered=f"the {role} key", accept=(SERVED,), key=proxy.key(role)
    )
    (answer,) = proxy.require_served([probe])
    return answer


def _usage(answer: ProxyAnswer) -> list[str]:
    """keyUsage, which has to be an array of strings."""
    usage = (answer.document or {}).get("keyUsage")
    if not isinstance(usage, list) or not all(isinstance(each, str) for each in usage):
        violated(answer, "keyUsage, an array of strings", f"keyUsage: {usage!r}")
    return usage


def _expect_usage(answer: ProxyAnswer, *, encrypt: bool, decrypt: bool) -> None:
    usage = _usage(answer)
    if ("ENCRYPT" in usage, "DECRYPT" in usage) != (encrypt, decrypt):
        wanted = " and ".join(
            f"{'with' if there else 'without'} {name}"
            for name, there in (("ENCRYPT", encrypt), ("DECRYPT", decrypt))
        )
        violated(answer, f"keyUsage {wanted}", f"keyUsage: {usage!r}")


@pytest.mark.requirement("XKS-GKM-001")
def test_members_of_the_response(proxy: ProxyClient) -> None:
    """GetKeyMetadata of an external key is served, with its three members."""

    def look(answer: ProxyAnswer) -> None:
        for name in ("keySpec", "keyUsage", "keyStatus"):
            if name not in (answer.document or {}):
                violated(answer, f"a JSON object with {name}")

    probe = proxy.probe(
        _METADATA, altered="the usable key", accept=(SERVED,), look=look
    )
    proxy.judge([probe], controls=[])


@pytest.mark.requirement("XKS-GKM-002")
def test_key_spec_is_aes_256(proxy: ProxyClient) -> None:
    """keySpec of a 256 bit AES key is AES_256."""
    answer = _metadata(proxy)
    if (spec := member_of(answer, "keySpec")) != "AES_256":
        violated(answer, "keySpec AES_256", f"keySpec: {spec!r}")


@pytest.mark.requirement("XKS-GKM-003")
def test_key_usage_of_a_usable_key(proxy: ProxyClient) -> None:
    """keyUsage of a key that encrypts and decrypts holds ENCRYPT and DECRYPT.

    Additional values are accepted, and any order.
    """
    _expect_usage(_metadata(proxy), encrypt=True, decrypt=True)


@pytest.mark.requirement("XKS-GKM-004")
def test_key_usage_of_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """keyUsage of a key that only encrypts holds ENCRYPT and not DECRYPT."""
    _expect_usage(_metadata(proxy, "encrypt_only"), encrypt=True, decrypt=False)


@pytest.mark.requirement("XKS-GKM-005")
def test_key_usage_of_a_decrypt_only_key(proxy: ProxyClient) -> None:
    """keyUsage of a key that only decrypts holds DECRYPT and not ENCRYPT."""
    _expect_usage(_metadata(proxy, "decrypt_only"), encrypt=False, decrypt=True)


@pytest.mark.requirement("XKS-GKM-006")
def test_key_usage_of_a_key_without_usage(proxy: ProxyClient) -> None:
    """keyUsage of a key that does neither holds neither; it may be empty."""
    _expect_usage(_metadata(proxy, "no_usage"), encrypt=False, decrypt=False)


@pytest.mark.requirement("XKS-GKM-007")
def test_at_most_ten_usages(proxy: ProxyClient) -> None:
    """The array keyUsage has no more than ten values."""
    answer = _metadata(proxy)
    usage = (answer.document or {}).get("keyUsage")
    if isinstance(usage, list) and len(usage) > 10:
        violated(answer, "at most ten values", f"keyUsage has {len(usage)} values")


@pytest.mark.requirement("XKS-GKM-008")
def test_status_of_an_enabled_key(proxy: ProxyClient) -> None:
    """The keyStatus of a key that works is ENABLED."""
    answer = _metadata(proxy)
    if (status := member_of(answer, "keyStatus")) != "ENABLED":
        violated(answer, "keyStatus ENABLED", f"keyStatus: {status!r}")


@pytest.mark.requirement("XKS-GKM-009")
def test_status_of_a_disabled_key(proxy: ProxyClient) -> None:
    """The keyStatus of a disabled key is DISABLED.

    InvalidStateException is accepted: the table of error codes lists it for all
    operations, and says no more.
    """

    def look(answer: ProxyAnswer) -> None:
        if answer.status != 200:
            return
        if (found := member_of(answer, "keyStatus")) != "DISABLED":
            violated(
                answer,
                ("keyStatus DISABLED", "400 InvalidStateException"),
                f"keyStatus: {found!r}",
            )

    probe = proxy.probe(
        _METADATA,
        altered="the disabled key",
        accept=(SERVED, error("InvalidStateException")),
        key=proxy.key("disabled"),
        look=look,
    )
    proxy.judge([probe])


@pytest.mark.requirement("XKS-GKM-010")
def test_key_spec_of_another_kind_of_key(proxy: ProxyClient) -> None:
    """The keySpec of a key that is not AES with 256 bits is another string."""
    answer = _metadata(proxy, "not_aes_256")
    if member_of(answer, "keySpec") == "AES_256":
        violated(answer, "any keySpec but AES_256", "keySpec: 'AES_256'")
