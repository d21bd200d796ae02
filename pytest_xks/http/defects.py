"""How a defect of our own is logged: without a word of what a client sent."""

from __future__ import annotations

import logging
import traceback

__all__ = ["log_defect"]

_log = logging.getLogger("pytest_xks.server")


def log_defect(error: Exception) -> None:
    """Log an exception that nobody foresaw: type and place; its text may quote."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    _log.error("unforeseen %s at %s", type(error).__name__, place)
