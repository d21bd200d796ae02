"""What an operator does to the mock proxy: a file beside it that its commands write.

It is read before every request if it has changed, so that it takes effect at once.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.proxy.health import ExternalKeyManagerStatus
from pytest_xks.proxy.keys import KeyStatus
from pytest_xks.proxy_api.sigv4 import Credential

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_xks.proxy.core import ProxyCore
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.uri import Route

__all__ = ["operated", "operator_commands"]

# Sets one member of the file; what it is about comes in the environment.
_PROGRAM = """\
import json, os, pathlib, sys
file = pathlib.Path(sys.argv[1])
state = json.loads(file.read_text()) if file.exists() else {}
values = [os.environ.get(name) for name in sys.argv[3].split(",") if name]
state[sys.argv[2]] = values if len(sys.argv) < 5 else sys.argv[4]
new = file.with_suffix(".new")
new.write_text(json.dumps(state))
new.replace(file)
"""
_KEY = "XKS_EXTERNAL_KEY_ID"
_CREDENTIAL = "XKS_ACCESS_KEY_ID,XKS_SECRET_ACCESS_KEY"


def operator_commands(file: Path) -> dict[str, list[str]]:
    """The commands of a target file, by name.

    Args:
        file: what they write.
    """

    def command(member: str, *values: str) -> list[str]:
        return [sys.executable, "-I", "-S", "-c", _PROGRAM, str(file), member, *values]

    return {
        "break_key_manager": command("key_manager", "", "broken"),
        "stall_key_manager": command("key_manager", "", "stalled"),
        "restore_key_manager": command("key_manager", "", "well"),
        "disable_key": command("disabled_key", _KEY),
        "enable_key": command("disabled_key", ""),
        "disable_store": command("store", "", "disabled"),
        "enable_store": command("store", "", "enabled"),
        "add_credential": command("credential", _CREDENTIAL),
        "remove_credential": command("credential", ""),
    }


def operated(core: ProxyCore, store: ProxyKeyStore, file: Path) -> None:
    """Let a proxy do what a file says.

    Args:
        core: the proxy.
        store: its key store that is operated.
        file: what the commands write; it need not be there.
    """
    operation = _Operation(core, store, file)
    parse_path = core.rules.parse_path

    def obey(path: str) -> Route | None:
        operation.obey()
        return parse_path(path)

    core.rules = replace(core.rules, parse_path=obey)


class _Operation:
    """The last that was read of a file, and what was done about it."""

    def __init__(self, core: ProxyCore, store: ProxyKeyStore, file: Path) -> None:
        self._core = core
        self._store = store
        self._file = file
        self._seen = 0
        self._added = ""
        self._disabled = ""

    def obey(self) -> None:
        """Read the file if it is another one than before, and do what it says."""
        try:
            changed = self._file.stat().st_mtime_ns
        except OSError:
            return
        if changed == self._seen:
            return
        state = json.loads(self._file.read_text(encoding="utf-8"))
        self._seen = changed
        self._set_key_manager(state.get("key_manager", "well"))
        self._store.enabled = state.get("store") != "disabled"
        self._set_key(*state.get("disabled_key", ()))
        self._set_credential(*state.get("credential", ()))

    def _set_key_manager(self, state: str) -> None:
        fleet = self._core.fleet
        fleet.stalled = state == "stalled"
        broken, status = state == "broken", ExternalKeyManagerStatus
        for manager in fleet.managers:
            manager.status = status.UNAVAILABLE if broken else status.ACTIVE

    def _set_key(self, external_key_id: str = "") -> None:
        for key_id, status in (
            (self._disabled, KeyStatus.ENABLED),
            (external_key_id, KeyStatus.DISABLED),
        ):
            if key_id:
                self._store.keys[key_id].status = status
        self._disabled = external_key_id

    def _set_credential(self, access_key_id: str = "", secret: str = "") -> None:
        if self._added and self._added != access_key_id:
            self._store.remove_credential(self._added)
        if access_key_id and self._added != access_key_id:
            self._store.add_credential(Credential(access_key_id, secret))
        self._added = access_key_id
