"""Rules on what keys are used for: vectors, plaintexts, keys that nobody has made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..client.bodies import PLAINTEXT, ProxyOperation, Sealed, encrypt_body
from ..client.scenarios import UNKNOWN_KEY_ID
from .rule import Complaint, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..client.proxy_client import ProxyClient
    from .observation import Observation, Place

__all__ = [
    "NO_KEY_IS_MADE_BY_ASKING",
    "PLAINTEXT_IS_ITS_OWN",
    "VECTOR_IS_NEW",
    "VECTOR_IS_NEW_UNDER_EVERY_METADATA",
]

_ENCRYPT, _DECRYPT = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT


@dataclass(frozen=True, slots=True)
class _Encrypted:
    """What an Encrypt was given, and what it made of it."""

    place: Place
    plaintext: bytes
    sealed: Sealed


def _encrypted(seen: Observation) -> _Encrypted | None:
    """What an Encrypt did; None if it was not served, or cannot be read."""
    plaintext = seen.bytes_sent("plaintext")
    ciphertext = seen.bytes_received("ciphertext")
    vector = seen.bytes_received("initializationVector")
    tag = seen.bytes_received("authenticationTag")
    if seen.place is None or plaintext is None:
        return None
    if ciphertext is None or vector is None or tag is None:
        return None
    sealed = Sealed(
        plaintext=b"",
        # Absent and empty are the same ("Encrypt").
        aad=seen.bytes_sent("additionalAuthenticatedData") or None,
        ciphertext=ciphertext,
        initialization_vector=vector,
        authentication_tag=tag,
        ciphertext_metadata=seen.bytes_received("ciphertextMetadata") or None,
    )
    return _Encrypted(seen.place, plaintext, sealed)


def _given_to_decrypt(seen: Observation) -> Sealed:
    return Sealed(
        plaintext=b"",
        aad=seen.bytes_sent("additionalAuthenticatedData") or None,
        ciphertext=seen.bytes_sent("ciphertext") or b"",
        initialization_vector=seen.bytes_sent("initializationVector") or b"",
        authentication_tag=seen.bytes_sent("authenticationTag") or b"",
        ciphertext_metadata=seen.bytes_sent("ciphertextMetadata") or None,
    )


def _is_served(seen: Observation, *operations: ProxyOperation) -> bool:
    place = seen.place
    return seen.status == 200 and place is not None and place.operation in operations


# -- vectors ---------------------------------------------------------------------------


def two_of_one_request_id(proxy: ProxyClient) -> None:
    """Send two plaintexts under one kmsRequestId, one after the other."""
    id_ = str(uuid.uuid4())
    for plaintext in (PLAINTEXT, PLAINTEXT[::-1]):
        good = proxy.good_body(_ENCRYPT, kmsRequestId=id_)
        body = good | {"plaintext": encrypt_body(plaintext)["plaintext"]}
        proxy.call(_ENCRYPT, body, label="a kmsRequestId used twice")


def _reused(
    seen: Iterable[Observation], *, metadata_count: bool
) -> Iterator[Complaint]:
    """Encryptions with a vector that another one under the same key has had.

    Args:
        seen: served Encrypts.
        metadata_count: whether a vector is used again under equal ciphertextMetadata
            only, which may name the key behind the key.
    """
    used: dict[object, tuple[bytes, bytes | None]] = {}
    for observation in seen:
        made = _encrypted(observation)
        if made is None:
            continue
        metadata = made.sealed.ciphertext_metadata if metadata_count else None
        vector = made.sealed.initialization_vector
        inputs = (made.plaintext, made.sealed.aad)
        earlier = used.setdefault((made.place, vector, metadata), inputs)
        if earlier != inputs:
            yield observation, f"the vector {vector.hex()} a second time"


_TWO_INPUTS = (
    "With two ciphertexts of one vector, plaintexts can be recovered and tags forged."
)
VECTOR_IS_NEW = Rule(
    expected="another initialization vector for every input under one key",
    about=lambda seen: _is_served(seen, _ENCRYPT),
    complaints=lambda seen: _reused(seen, metadata_count=True),
    note=_TWO_INPUTS,
    provoke=two_of_one_request_id,
)
VECTOR_IS_NEW_UNDER_EVERY_METADATA = Rule(
    expected="another initialization vector for every input",
    about=lambda seen: _is_served(seen, _ENCRYPT),
    complaints=lambda seen: _reused(seen, metadata_count=False),
    note=_TWO_INPUTS,
    provoke=two_of_one_request_id,
)

# -- plaintexts ------------------------------------------------------------------------


def _foreign(seen: Iterable[Observation]) -> Iterator[Complaint]:
    """Decryptions that gave back what another Encrypt was given."""
    plaintexts: dict[object, bytes] = {}
    for observation in seen:
        place = observation.place
        if place is None:
            continue
        if made := _encrypted(observation):
            plaintexts[place.store, place.key, made.sealed] = made.plaintext
            continue
        given = (place.store, place.key, _given_to_decrypt(observation))
        found = observation.bytes_received("plaintext")
        if found is not None and plaintexts.get(given, found) != found:
            yield observation, f"{len(found)} bytes of another plaintext"


PLAINTEXT_IS_ITS_OWN = Rule(
    expected="the plaintext that its own ciphertext was made of",
    about=lambda seen: _is_served(seen, _ENCRYPT, _DECRYPT),
    complaints=_foreign,
    note="What was encrypted cannot be recovered, or somebody else gets it.",
    sample=lambda proxy: [proxy.control(_ENCRYPT), proxy.control(_DECRYPT)],
)

# -- keys that nobody has made ---------------------------------------------------------


def _ask_for_a_key(proxy: ProxyClient) -> None:
    """Every operation on a key that nobody has asked for, GetKeyMetadata last."""
    key = f"{UNKNOWN_KEY_ID}-asked-for"
    for operation in (_ENCRYPT, _DECRYPT, ProxyOperation.GET_KEY_METADATA):
        proxy.call(operation, key=key, label=f"{operation.title} with a key of nobody")


def _made_by_asking(seen: Iterable[Observation]) -> Iterator[Complaint]:
    for observation in seen:
        if observation.status == 200 and observation.place:
            operation = observation.place.operation.title
            yield observation, f"{operation} was served"


NO_KEY_IS_MADE_BY_ASKING = Rule(
    expected="an error for a key that nobody has made, however often it was asked for",
    about=lambda seen: (
        seen.place is not None and seen.place.key.startswith(UNKNOWN_KEY_ID)
    ),
    complaints=_made_by_asking,
    note="CreateKey would succeed for a key that its owner has never made.",
    provoke=_ask_for_a_key,
)
