"""The matrix of signatures: its columns, and how it is sent and judged.

The whole matrix goes out once, between one control of each column before it and one
after it, when the first of its requirements is asked about; every requirement is then
judged by its own rows. What the target file does not name has no column.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    AAD,
    ALL_OPERATIONS,
    PLAINTEXT,
    ProxyOperation,
    encrypt_body,
    request_metadata,
)
from ..client.probes import Batch, ask
from .signature_edits import SIGNED_ID, Column
from .signature_matrix import ROWS

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_xks.certify.evidence.recorder import Recorded

    from ..client.bodies import Body, Sealed
    from ..client.http1 import HttpRequest
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess
    from .signature_matrix import Row

__all__ = ["SignatureMatrix", "accesses"]


def accesses(proxy: ProxyClient) -> dict[str, StoreAccess]:
    """Every credential of every key store of the target, by a phrase.

    The store with a small quota is left out: the matrix would use it up.
    """
    target, found = proxy.target, {"": proxy.main}
    if rotated := target.rotated_credential:
        found["by the second credential"] = replace(
            proxy.main, credential=rotated, credential_name="rotated"
        )
    if target.second_store:
        second = proxy.store("second_store", target.second_store)
        found[f"at {second.uri_path}"] = second
    if target.authorization and target.authorization.store:
        bound = proxy.store("authorization", target.authorization.store)
        found[f"at {bound.uri_path}"] = bound
    return found


class SignatureMatrix:
    """Sends the matrix once; judges it requirement by requirement.

    Args:
        proxy: sends, and records for the whole matrix.
        requirements: the ids that the run asks about; rows of others are not sent.
    """

    def __init__(self, proxy: ProxyClient, requirements: Collection[str]) -> None:
        self._proxy = proxy
        self._requirements = requirements
        self._asked: list[tuple[str, Probe]] = []
        self._batch: Batch | None = None
        self._gaps: list[NotTestable] = []

    def judge(self, requirement: str, proxy: ProxyClient) -> None:
        """Judge the rows of a requirement, and record them for its check.

        Raises:
            NotTestable: a control was not served.
            Violation: names the first probe whose answer is wrong, and the others.
        """
        batch = self._batch or self._send()
        chosen = {id(probe) for id_, probe in self._asked if id_ == requirement}
        pairs = [
            (probe, answer)
            for probe, answer in zip(batch.asked, batch.answers, strict=True)
            if id(probe) in chosen
        ]
        keys = {answer.exchange.key for _, answer in pairs}
        for recorded in self._recorded(keys):
            proxy.recorder.refer(recorded)
        for name, value in self._proxy.recorder.facts.items():
            proxy.recorder.fact(name, value)
        replace(
            batch,
            asked=[probe for probe, _ in pairs],
            answers=[answer for _, answer in pairs],
        ).require()
        for gap in self._gaps:
            raise gap

    def _recorded(self, keys: Collection[int]) -> list[Recorded]:
        """The controls, and the exchanges with these keys."""
        return [
            recorded
            for recorded in self._proxy.recorder.recorded
            if recorded.key in keys or recorded.label.startswith("control:")
        ]

    def _send(self) -> Batch:
        columns = self._columns()
        rows = [row for row in ROWS if row.requirement in self._requirements]
        self._asked = [
            (row.requirement, self._probe(row, column))
            for column in columns
            for row in rows
            if column.operation in row.operations
        ]
        controls = [
            self._proxy.control(each.operation, each.body, store=each.store)
            for each in columns
        ]
        self._batch = ask(self._proxy, [probe for _, probe in self._asked], controls)
        return self._batch

    def _probe(self, row: Row, column: Column) -> Probe:
        return self._proxy.probe(
            column.operation,
            _with_id_of_its_own(column.body),
            altered=f"{column.name}: {row.text}",
            accept=(row.accept,),
            store=column.store,
            signer=_MadeLike(row, column),
        )

    def _columns(self) -> list[Column]:
        now = datetime.now(UTC) + self._proxy.clock_offset()
        return [
            Column(
                operation=operation,
                store=store,
                name=f"{operation.title} {where}".rstrip(),
                body=body,
                signer=self._proxy.signer(store),
                now=now,
            )
            for where, store in accesses(self._proxy).items()
            for operation, body in self._bodies(store).items()
        ]

    def _bodies(self, store: StoreAccess) -> dict[ProxyOperation, Body]:
        """Good bodies of every operation; without Decrypt's, if nothing was sealed."""
        bodies: dict[ProxyOperation, Body] = {}
        for operation in ALL_OPERATIONS:
            metadata = self._metadata(operation, store)
            if operation is ProxyOperation.ENCRYPT:
                bodies[operation] = encrypt_body(PLAINTEXT, aad=AAD, metadata=metadata)
            elif operation is not ProxyOperation.DECRYPT:
                bodies[operation] = {"requestMetadata": metadata}
        decrypt = ProxyOperation.DECRYPT
        try:
            sealed = self._seal(bodies[ProxyOperation.ENCRYPT], store)
        except NotTestable as gap:
            self._gaps.append(gap)
            return bodies
        metadata = self._metadata(decrypt, store)
        return bodies | {decrypt: sealed.body(metadata=metadata)}

    def _seal(self, body: Body, store: StoreAccess) -> Sealed:
        control = self._proxy.control(ProxyOperation.ENCRYPT, body, store=store)
        (answer,) = self._proxy.require_served([control])
        return self._proxy.read_sealed(answer, PLAINTEXT, AAD)

    def _metadata(self, operation: ProxyOperation, store: StoreAccess) -> Body:
        """Of a principal who may, where a policy binds the key store."""
        policy = self._proxy.target.authorization
        binds = policy and policy.store and policy.store.uri_path == store.uri_path
        members = request_metadata(operation)
        if policy and binds and "awsPrincipalArn" in members:
            members["awsPrincipalArn"] = policy.allowed_principal_arn
        return members


def _with_id_of_its_own(body: Body) -> Body:
    """KMS never sends the same twice, and a proxy may remember signatures."""
    members = body["requestMetadata"]
    assert isinstance(members, dict), "each of the matrix has some"
    own = {"kmsRequestId": f"{SIGNED_ID}-{uuid.uuid4()}"}
    return body | {"requestMetadata": members | own}


@dataclass(frozen=True, slots=True)
class _MadeLike:
    """Signs as a row says."""

    row: Row
    column: Column

    def sign(self, request: HttpRequest) -> HttpRequest:
        """The request that goes out."""
        return self.row.make(request, self.column)
