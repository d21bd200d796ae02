"""A proxy over real HTTPS, whose listener misbehaves as the armed faults say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.http.listener import HttpsListener
from pytest_xks.http.tricks import Trick

if TYPE_CHECKING:
    from pytest_xks.proxy.core import ProxyCore

__all__ = ["ProxyListener"]


class ProxyListener(HttpsListener):
    """Serves a proxy core on a port of the loopback interface.

    Args:
        core: the proxy.
        options: those of ``HttpsListener``.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, core: ProxyCore, **options: Any) -> None:  # noqa: ANN401 - HttpsListener's own
        super().__init__(core.handle, **options)
        self._faults = core.faults
        self._faults.watchers.append(self._obey_faults)
        self._obey_faults()

    def close(self) -> None:
        """Stop listening, end every connection, remove the CA's file."""
        self._faults.watchers.remove(self._obey_faults)
        super().close()

    def _obey_faults(self) -> None:
        listening = self._faults.listening()
        for each in listening:
            # The listener does not tell one connection from the other.
            each.countable = False
        self.play(frozenset(Trick(name) for each in listening for name in each.tricks))
