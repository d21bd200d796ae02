"""What the operator causes, between two times at which all is well."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable, Violation
from pytest_xks.certify.targets.operator_commands import OperatorCommands

from ..client.bodies import ProxyOperation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

__all__ = ["Operator"]

_PAUSE_SECONDS = 0.2
# A change may take a moment to reach every process of a proxy.
_EFFECT_SECONDS = 5.0


class Operator:
    """Causes what no request can, and sees to it that all is well again.

    Args:
        proxy: the proxy under test.
    """

    def __init__(self, proxy: ProxyClient) -> None:
        self._proxy = proxy
        target = proxy.target.operator
        assert target is not None, "without commands no check of them is selected"
        self.target = target
        self._commands = OperatorCommands(
            target.commands,
            folder=target.folder,
            environment={
                "XKS_URI_PATH": proxy.target.uri_path,
                "XKS_EXTERNAL_KEY_ID": proxy.key("usable"),
                "XKS_ACCESS_KEY_ID": target.new_credential.access_key_id,
                "XKS_SECRET_ACCESS_KEY": target.new_credential.secret_access_key,
            },
        )

    @contextmanager
    def during(self, command: str, controls: Sequence[Probe]) -> Iterator[None]:
        """Have a command in effect for the block, and all well before it and after.

        Args:
            command: what is done; the end of the block undoes it.
            controls: good requests that are served before and after.

        Raises:
            NotTestable: they are not served, or a command fails.
        """
        self._proxy.require_served(controls)
        with self._commands.during(command):
            yield
        self._all_well(command, controls)

    def eventually(
        self, probes: Sequence[Probe], seconds: float = _EFFECT_SECONDS
    ) -> list[ProxyAnswer]:
        """Send probes until their answers are accepted, or the time is over.

        Args:
            probes: what to send, one after the other.
            seconds: how long the change may take.

        Raises:
            Violation: the last answers are not accepted.
        """
        deadline = time.monotonic() + seconds
        while True:
            answers = [probe.send() for probe in probes]
            wrong = (
                finding
                for probe, answer in zip(probes, answers, strict=True)
                if (finding := probe.finding(answer))
            )
            if (finding := next(wrong, None)) is None:
                return answers
            if time.monotonic() > deadline:
                raise finding
            time.sleep(_PAUSE_SECONDS)

    def _all_well(self, command: str, controls: Sequence[Probe]) -> None:
        health = self._proxy.control(ProxyOperation.GET_HEALTH_STATUS)
        try:
            self.eventually(controls)
            self.eventually([health], self.target.health_cached_seconds + 1)
        except Violation as violation:
            raise NotTestable(
                f"After {command} was undone, the proxy is not as it was: "
                f"{violation.observed}."
            ) from None
