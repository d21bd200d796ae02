"""The proxy's own log: one JSON object a line, after "Logging" of the specification.

It says which KMS request was served, with what outcome and in what time. "Sensitive
information such as the plaintext ... MUST NOT be logged": the log is written from
journal entries, which hold none.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_xks.proxy.journal import JournalEntry

__all__ = ["logger", "open_log", "write"]

logger = logging.getLogger("pytest_xks.proxy")


def write(entry: JournalEntry) -> None:
    """Log one request at INFO; a failure of the proxy itself at ERROR."""
    level = logging.ERROR if entry.status == 500 else logging.INFO
    if not logger.isEnabledFor(level):
        return
    record = {
        "time": entry.time.isoformat(),
        "operation": entry.operation,
        "externalKeyId": entry.external_key_id,
        "outcome": entry.error_name or "success",
        "status": entry.status,
        "durationMs": round(entry.duration_ms, 3),
        "errorMessage": entry.error_message,
        "deniedBy": entry.denied_by,
        "accessKeyId": entry.access_key_id,
        "method": entry.method,
        "path": entry.path,
        **entry.request_metadata,
    }
    line = {name: value for name, value in record.items() if value is not None}
    logger.log(level, "%s", json.dumps(line))


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        """Lose a line on a full disk, and print no traceback for it."""


def open_log(file: Path) -> logging.Handler:
    """Write the log to a file too; the caller removes and closes the handler."""
    handler = _LogFile(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler
