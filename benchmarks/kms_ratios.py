"""What an external key store costs, next to the same work on moto's standard keys.

All times are measured in turns within one run: machines differ, and ratios less.
The clock is the process's own processor time, so that others on the machine do not
count; over HTTPS the proxy runs in this process and its time counts as well. The
process keeps to one processor: Python's threads take turns anyway, and what it costs to
wake one on another processor is the machine's, not ours. ``--roam`` lets it go.

Usage: ``python benchmarks/kms_ratios.py [--rounds N] [--json FILE] [--roam]``
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws
from rich.console import Console
from rich.table import Table

from pytest_xks.handles import create_key_store
from pytest_xks.kms.fake import FakeKms
from pytest_xks.proxy.mock import MockXksProxy, add_keys_by_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.handles import KeyStoreHandle

    Work = Callable[[], object]

_REGION = "us-east-1"
_CALLS = 25
_DATA = b"x" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One line of the result."""

    work: str
    compared_with: str
    goal: float
    ratio: float
    microseconds: float
    others_microseconds: float


def _per_call(work: Work, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - began) / calls * 1e6


def _in_turns(
    work: dict[str, Work], rounds: int, calls: int = _CALLS
) -> dict[str, float]:
    """The median time of each, in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    order = deque(work.items())
    for _, each in order:
        each()
    for _ in range(rounds):
        gc.collect()
        # The first after a collection finds cold caches: everyone's turn to be first.
        order.rotate()
        for name, each in order:
            times[name].append(_per_call(each, calls))
    return {name: statistics.median(values) for name, values in times.items()}


class _Bench:
    """A proxy and a fake that is led to it, in-process or over HTTPS."""

    def __init__(self, stack: ExitStack, *, https: bool) -> None:
        self.proxy = stack.enter_context(MockXksProxy())
        add_keys_by_role(self.proxy.store)
        if https:
            self.proxy.start_https()
        self.fake = stack.enter_context(FakeKms(clock=self.proxy.clock))
        # What is measured here is far beyond what one store may be asked.
        self.fake.behaviour.requests_per_second = 1e9
        self.store: KeyStoreHandle = create_key_store(self.fake, self.proxy)
        self.key = self.store.create_key("usable").arn

    def work(self) -> dict[str, Work]:
        """Encrypt and decrypt on the key in the store."""
        kms, key = self.store.kms, self.key
        blob = kms.encrypt(KeyId=key, Plaintext=_DATA)["CiphertextBlob"]
        return {
            "Encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=_DATA),
            "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob),
        }


def _plain_work(kms: Any) -> dict[str, Work]:  # noqa: ANN401 - a boto3 client
    key = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=_DATA)["CiphertextBlob"]
    return {
        "Encrypt": lambda: kms.encrypt(KeyId=key, Plaintext=_DATA),
        "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob),
    }


def measure_cryptography(rounds: int) -> Iterator[Ratio]:
    """Encrypt and Decrypt: in-process, over HTTPS, and plain."""
    for where, https, goal in (("in-process", False, 1.10), ("HTTPS", True, 1.45)):
        with ExitStack() as stack:
            bench = _Bench(stack, https=https)
            ours = bench.work()
            plain = _plain_work(bench.store.kms)
            work = {
                f"{side} {name}": each
                for side, of_side in (("ours", ours), ("plain", plain))
                for name, each in of_side.items()
            }
            times = _in_turns(_without_the_fake_where_plain(bench.fake, work), rounds)
        for name in ours:
            yield _ratio(
                f"{name} on an external key, {where}",
                "moto's on a standard key",
                goal,
                times[f"ours {name}"],
                times[f"plain {name}"],
            )


def _without_the_fake_where_plain(
    fake: FakeKms, work: dict[str, Work]
) -> dict[str, Work]:
    """moto's own work is measured as moto does it, with its own dispatcher."""
    from moto.kms import urls  # noqa: PLC0415 - not before the fake stands
    from moto.kms.responses import KmsResponse  # noqa: PLC0415 - likewise

    assert fake.account_id  # noqa: S101 - the fake is installed while this runs
    ours = urls.url_paths["{0}/$"]

    def led(each: Work, handler: Any) -> Work:  # noqa: ANN401 - moto's
        def call() -> object:
            urls.url_paths["{0}/$"] = handler
            return each()

        return call

    return {
        name: led(each, ours if name.startswith("ours") else KmsResponse.dispatch)
        for name, each in work.items()
    }


def measure_create_key(rounds: int) -> Iterator[Ratio]:
    """CreateKey: moto makes an RSA key each time."""
    for where, https in (("in-process", False), ("HTTPS", True)):
        with ExitStack() as stack:
            bench = _Bench(stack, https=https)
            kms = bench.store.kms

            def create(bench: _Bench = bench) -> object:
                bench.proxy.add_key(f"key-{bench.fake.next_number()}")
                return bench.store.create_key(list(bench.proxy.keys)[-1])

            work: dict[str, Work] = {"ours": create, "plain": kms.create_key}
            times = _in_turns(work, rounds, calls=5)
        yield _ratio(
            f"CreateKey in an external key store, {where}",
            "moto's CreateKey",
            0.2,
            times["ours"],
            times["plain"],
        )


def measure_fixture(rounds: int) -> Ratio:
    """What a test pays before and after: state, client, connected store, key."""

    def ours() -> None:
        with MockXksProxy() as proxy, FakeKms(clock=proxy.clock) as fake:
            proxy.add_key("usable")
            create_key_store(fake, proxy).create_key("usable")

    def plain() -> None:
        with mock_aws():
            boto3.client("kms", _REGION).list_keys()

    times = _in_turns({"ours": ours, "plain": plain}, rounds, calls=3)
    return _ratio(
        "set-up and tear-down with a connected store and a key",
        "with mock_aws(): boto3.client('kms')",
        0.3,
        times["ours"],
        times["plain"],
    )


def _ratio(work: str, other: str, goal: float, ours: float, others: float) -> Ratio:
    return Ratio(
        work=work,
        compared_with=other,
        goal=goal,
        ratio=ours / others,
        microseconds=ours,
        others_microseconds=others,
    )


def _table(ratios: list[Ratio]) -> Table:
    table = Table(title="The fake KMS next to moto's", title_justify="left")
    for heading in ("what", "next to", "us", "its us", "ratio", "goal"):
        table.add_column(heading)
    for each in ratios:
        colour = "green" if each.ratio <= each.goal else "red"
        table.add_row(
            each.work,
            each.compared_with,
            f"{each.microseconds:.0f}",
            f"{each.others_microseconds:.0f}",
            f"[{colour}]{each.ratio:.2f}",
            f"{each.goal:.2f}",
        )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="9 by default")
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    parser.add_argument(
        "--roam", action="store_true", help="do not keep to one processor"
    )
    arguments = parser.parse_args()
    if not arguments.roam and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    console = Console()
    busy = os.getloadavg()[0]
    if busy > 1:
        console.print(f"[yellow]The load average is {busy:.1f}: only ratios count.")
    rounds = arguments.rounds
    ratios = [
        *measure_cryptography(rounds),
        *measure_create_key(rounds),
        measure_fixture(rounds),
    ]
    console.print(_table(ratios))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in ratios]))


if __name__ == "__main__":
    main()
