"""Reading what Encrypt and Decrypt returned, for checks of something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from .bodies import Body, Sealed, read_leniently
from .expect import control

if TYPE_CHECKING:
    from .answer import ProxyAnswer

__all__ = ["gives_back", "read_sealed"]


def gives_back(document: Body, plaintext: bytes) -> bool:
    """Whether a Decrypt returned a plaintext."""
    text = document.get("plaintext")
    try:
        # How it is written is for XKS-DEC-003 to say.
        return isinstance(text, str) and read_leniently(text) == plaintext
    except ValueError:
        return False


def read_sealed(answer: ProxyAnswer, plaintext: bytes, aad: bytes | None) -> Sealed:
    """What Encrypt returned.

    Raises:
        NotTestable: it returned nothing that could be decrypted.
    """
    document = control(answer)
    texts = {
        name: document.get(name)
        for name in ("ciphertext", "initializationVector", "authenticationTag")
    }
    metadata = document.get("ciphertextMetadata")
    for name, text in (*texts.items(), ("ciphertextMetadata", metadata or "")):
        if not isinstance(text, str):
            raise NotTestable(f"Encrypt returned no {name} to decrypt.")
    return Sealed(
        plaintext=plaintext,
        aad=aad,
        ciphertext_text=str(texts["ciphertext"]),
        initialization_vector_text=str(texts["initializationVector"]),
        authentication_tag_text=str(texts["authenticationTag"]),
        ciphertext_metadata_text=None if metadata is None else str(metadata),
    )
