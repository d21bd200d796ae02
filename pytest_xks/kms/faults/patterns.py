"""What many faults of the fake KMS share: what becomes of calls and their answers.

All but ``describing`` take the place of one step, ``dispatch.answer``, in the
operations that the fault declares. ``store_of``, ``move`` and ``ask_proxy`` are for
faults of key stores that are functions.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.desk.rendering import key_metadata
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.desk.exceptions import ConnectionErrorCode
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.stores.store import ConnectionState, ExternalKeyStore

    Document = dict[str, Any]
    Answer = Callable[[Context, Call], Document | None]

__all__ = [
    "adjusting",
    "ask_proxy",
    "asking",
    "describing",
    "forgiving",
    "move",
    "raising",
    "renaming",
    "store_of",
]


def asking(**parameters: object) -> Replace:
    """Answers calls as if they had other parameters; None leaves one out.

    Args:
        parameters: what to put in place.
    """

    def ask(proceed: Answer, context: Context, call: Call) -> Document | None:
        changed = {**call.parameters, **parameters}
        kept = {name: value for name, value in changed.items() if value is not None}
        return proceed(context, replace(call, parameters=kept))

    return Replace(answer, ask)


def adjusting(change: Callable[[Context, Document], object]) -> Replace:
    """Answers calls as if their parameters had been edited.

    Args:
        change: gets the context, and the parameters, which it edits in place.
    """

    def adjust(proceed: Answer, context: Context, call: Call) -> Document | None:
        parameters = dict(call.parameters)
        change(context, parameters)
        return proceed(context, replace(call, parameters=parameters))

    return Replace(answer, adjust)


def describing(change: Callable[[XksKey, Document], object]) -> Replace:
    """Edits the KeyMetadata of every key in an external key store.

    Args:
        change: gets the key, and edits the document in place.
    """

    def describe(
        proceed: Callable[..., Document], key: XksKey, **properties: object
    ) -> Document:
        document = proceed(key, **properties)
        change(key, document)
        return document

    return Replace(key_metadata, describe)


def renaming(code: str, other: str) -> Replace:
    """Raises one exception where another one is due.

    Args:
        code: the exception that is due; ``*`` for any.
        other: what comes instead, with the same message.
    """

    def rename(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        return KmsError(other, error.message) if code in {error.code, "*"} else None

    return raising(rename)


def raising(instead: Callable[[Context, Call, KmsError], KmsError | None]) -> Replace:
    """Raises something else where an exception is due.

    Args:
        instead: gets the context, the call and the exception that is due, and returns
            what to raise; None leaves it as it is.
    """

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            other = instead(context, call, error)
            if other is None:
                raise
            raise other from None

    return Replace(answer, respond)


def forgiving(code: str, *, document: Mapping[str, object] | None = None) -> Replace:
    """Answers with success where an exception is due.

    Args:
        code: the exception; ``*`` for any.
        document: what the success says.
    """

    def forgive(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if code not in {error.code, "*"}:
                raise
            return dict(document or {})

    return Replace(answer, forgive)


def store_of(context: Context, call: Call) -> ExternalKeyStore | None:
    """The key store that a call names, if it exists."""
    return context.region.stores.get(call.text("CustomKeyStoreId") or "")


def move(
    store: ExternalKeyStore,
    state: ConnectionState,
    code: ConnectionErrorCode | None = None,
) -> None:
    """Put a key store into a state at once."""
    store.change_state(state, state, seconds=0, code=code)


def ask_proxy(context: Context, call: Call, store: ExternalKeyStore) -> None:
    """Ask the proxy for its health, whatever it says."""
    with suppress(ProxyFailure):
        context.proxy_client.get_health_status(call, store.proxy)
