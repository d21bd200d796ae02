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

from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.probes import Batch, ask
from .signature_edits import Column
from .signature_matrix import ROWS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_xks.certify.evidence.recorder import Recorded

    from ..client.bodies import Body
    from ..client.http1 import HttpRequest
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess
    from .signature_matrix import Row

__all__ = ["SignatureMatrix", "accesses", "good_bodies"]


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


def good_bodies(
    proxy: ProxyClient, store: StoreAccess
) -> tuple[dict[ProxyOperation, Body], NotTestable | None]:
    """Bodies that have to be served; without Decrypt's, if nothing could be sealed."""
    decrypt = ProxyOperation.DECRYPT
    bodies = {o: proxy.good_body(o) for o in ALL_OPERATIONS if o is not decrypt}
    try:
        return bodies | {decrypt: proxy.sealed(store=store).body()}, None
    except NotTestable as gap:
        return bodies, gap


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
        rows = [
            (row, self._of(row, columns))
            for row in ROWS
            if row.requirement in self._requirements
        ]
        self._asked = [
            (row.requirement, self._probe(row, column))
            for column in columns
            for row, its_columns in rows
            if column in its_columns
        ]
        controls = [
            self._proxy.control(each.operation, each.body, store=each.store)
            for each in columns
        ]
        self._batch = ask(self._proxy, [probe for _, probe in self._asked], controls)
        return self._batch

    def _of(self, row: Row, columns: Sequence[Column]) -> Sequence[Column]:
        """The columns of a row; the first alone, where a sample will do."""
        found = [each for each in columns if each.operation in row.operations]
        whole = self._proxy.session.goes_into_breadth(row.requirement)
        return found if whole else found[:1]

    def _bodies(self, store: StoreAccess) -> dict[ProxyOperation, Body]:
        bodies, gap = good_bodies(self._proxy, store)
        self._gaps += [gap] if gap else []
        return bodies

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


def _with_id_of_its_own(body: Body) -> Body:
    """KMS never sends the same twice, and a proxy may remember signatures."""
    members = body["requestMetadata"]
    assert isinstance(members, dict), "each of the matrix has some"
    own = {"kmsRequestId": str(uuid.uuid4())}
    return body | {"requestMetadata": members | own}


@dataclass(frozen=True, slots=True)
class _MadeLike:
    """Signs as a row says."""

    row: Row
    column: Column

    def sign(self, request: HttpRequest) -> HttpRequest:
        """The request that goes out."""
        return self.row.make(request, self.column)
