"""Reading what Encrypt and Decrypt returned, for checks of something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from .bodies import Body, Sealed, read_leniently
from .expect import control, violated

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answer import ProxyAnswer

__all__ = ["gives_back", "read_sealed"]


def gives_back(plaintext: bytes) -> Callable[[ProxyAnswer], None]:
    """Looks at the answer of a Decrypt: it has to hold that plaintext.

    How it is written is for XKS-DEC-003 to say.
    """

    def look(answer: ProxyAnswer) -> None:
        text = (answer.document or {}).get("plaintext")
        try:
            found = read_leniently(text) if isinstance(text, str) else None
        except ValueError:
            found = None
        if found != plaintext:
            violated(
                answer,
                f"the {len(plaintext)} bytes that were encrypted",
                "no plaintext" if found is None else f"{len(found)} other bytes",
                note="What was encrypted cannot be recovered.",
            )

    return look


def read_sealed(answer: ProxyAnswer, plaintext: bytes, aad: bytes | None) -> Sealed:
    """What Encrypt returned, read as KMS reads it.

    Raises:
        NotTestable: it returned nothing that could be decrypted.
    """
    document = control(answer)
    metadata = document.get("ciphertextMetadata")
    return Sealed(
        plaintext=plaintext,
        aad=aad,
        ciphertext=_read(document, "ciphertext"),
        initialization_vector=_read(document, "initializationVector"),
        authentication_tag=_read(document, "authenticationTag"),
        ciphertext_metadata=None
        if metadata is None
        else _read(document, "ciphertextMetadata"),
    )


def _read(document: Body, name: str) -> bytes:
    text = document.get(name)
    if not isinstance(text, str):
        raise NotTestable(f"Encrypt returned no {name} to decrypt (see XKS-ENC-001).")
    try:
        return read_leniently(text)
    except ValueError:
        raise NotTestable(
            f"Encrypt returned a {name} that is no Base64 (see XKS-ENC-002)."
        ) from None
