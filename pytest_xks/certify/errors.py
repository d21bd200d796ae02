"""What goes wrong before a verdict is possible, said so that a person can act on it.

A problem has two parts: what is wrong, and what to do. It becomes one message on stderr
and exit status 2, never a traceback.
"""

from __future__ import annotations

__all__ = ["UsageProblem"]


class UsageProblem(Exception):  # noqa: N818 - the user's mistake, not a program error
    """A mistake in a command, a file or a variable, or a target out of reach.

    Args:
        message: what is wrong, and where; never a secret.
        hint: what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
