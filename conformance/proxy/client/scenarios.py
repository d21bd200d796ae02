"""Ways to provoke an error that need nothing of the target file.

For what has to hold of every error, whatever its name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.targets.credential import Credential

from .bodies import ProxyOperation, encrypt_body, flip
from .proxy_client import PLAINTEXT, UNKNOWN_KEY_ID, WRONG_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answer import ProxyAnswer
    from .proxy_client import ProxyClient

__all__ = ["SCENARIOS", "provoke"]


def _wrong_signature(proxy: ProxyClient) -> ProxyAnswer:
    wrong = Credential(proxy.main.credential.access_key_id, WRONG_SECRET)
    store = replace(proxy.main, credential=wrong)
    health = ProxyOperation.GET_HEALTH_STATUS
    request = proxy.request(health, proxy.good_body(health), store=store)
    return proxy.send(replace(request, signing=None), label="a wrong signature")


def _unknown_key(proxy: ProxyClient) -> ProxyAnswer:
    return proxy.call(
        ProxyOperation.GET_KEY_METADATA, key=UNKNOWN_KEY_ID, label="an unknown key"
    )


def _invalid_path(proxy: ProxyClient) -> ProxyAnswer:
    health = ProxyOperation.GET_HEALTH_STATUS
    path = f"{proxy.main.uri_path}/nowhere"
    request = proxy.request(health, proxy.good_body(health), path=path)
    return proxy.send(request, label="an invalid path")


def _invalid_body(proxy: ProxyClient) -> ProxyAnswer:
    return proxy.call(ProxyOperation.ENCRYPT, b"{", label="a body that is no JSON")


def _missing_member(proxy: ProxyClient) -> ProxyAnswer:
    body = encrypt_body(PLAINTEXT)
    del body["plaintext"]
    return proxy.call(ProxyOperation.ENCRYPT, body, label="no plaintext")


def _corrupted_ciphertext(proxy: ProxyClient) -> ProxyAnswer:
    sealed = proxy.seal()
    altered = sealed.altered(ciphertext=flip(sealed.ciphertext))
    return proxy.decrypt(altered, label="a corrupted ciphertext")


def _other_algorithm(proxy: ProxyClient) -> ProxyAnswer:
    body = encrypt_body(PLAINTEXT)
    body["encryptionAlgorithm"] = "AES_CBC"
    return proxy.call(ProxyOperation.ENCRYPT, body, label="another algorithm")


SCENARIOS: dict[str, Callable[[ProxyClient], ProxyAnswer]] = {
    "wrong-signature": _wrong_signature,
    "unknown-key": _unknown_key,
    "invalid-path": _invalid_path,
    "invalid-body": _invalid_body,
    "missing-member": _missing_member,
    "corrupted-ciphertext": _corrupted_ciphertext,
    "other-algorithm": _other_algorithm,
}


def provoke(proxy: ProxyClient, scenario: str) -> ProxyAnswer:
    """The error that a scenario leads to.

    Raises:
        NotTestable: it does not lead to one; that is for another check to report.
    """
    answer = SCENARIOS[scenario](proxy)
    if answer.status is None or answer.status < 400:
        raise NotTestable(f"This was not refused ({scenario}): {answer.describe()}.")
    return answer
