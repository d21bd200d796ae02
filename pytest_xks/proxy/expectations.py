"""Assertions over the journal, with messages that say what came instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy_api.errors import Operation

__all__ = ["expect_requests"]


def expect_requests(
    entries: Sequence[JournalEntry],
    *,
    operation: Operation | None,
    count: int | None,
    external_key_id: str | None,
    request_metadata: Mapping[str, str],
) -> tuple[JournalEntry, ...]:
    """The entries that match, if there are as many as expected.

    Raises:
        AssertionError: there are not.
    """

    def matches(entry: JournalEntry) -> bool:
        return (
            operation in {None, entry.operation}
            and external_key_id in {None, entry.external_key_id}
            and request_metadata.items() <= entry.request_metadata.items()
        )

    found = tuple(entry for entry in entries if matches(entry))
    if len(found) == count or (count is None and found):
        return found
    filters = {
        "external_key_id": external_key_id,
        **request_metadata,
    }
    wanted = ", ".join(f"{name}={value}" for name, value in filters.items() if value)
    came = "\n".join(f"  {entry}" for entry in entries) or "  nothing"
    number = "at least one" if count is None else f"exactly {count}"
    message = (
        f"expected {number} {operation or 'request'}"
        f"{f' with {wanted}' if wanted else ''}, the XKS proxy answered {len(found)}.\n"
        f"It was asked for:\n{came}"
    )
    raise AssertionError(message)
