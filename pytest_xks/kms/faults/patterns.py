"""The words that many faults share: what becomes of calls and of their answers.

All but ``describing`` take the place of one step, ``responses.answer``, so a fault is
written as a row of a table where no inner step is meant. ``store_of``, ``move`` and
``ask_proxy`` are for faults of key stores that are functions.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.desk.rendering import key_metadata
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.desk.exceptions import ConnectionErrorCode
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.stores.store import ConnectionState, ExternalKeyStore

    Document = dict[str, Any]
    Answer = Callable[[Context, Call], Document | None]

__all__ = [
    "adjusting",
    "answering",
    "ask_proxy",
    "asking",
    "describing",
    "editing",
    "forgiving",
    "move",
    "raising",
    "renaming",
    "store_of",
]


def _in(operations: Collection[str], call: Call) -> bool:
    return not operations or call.operation in operations


def asking(*operations: str, **parameters: object) -> Replacements:
    """Answers calls as if they had other parameters; None leaves one out.

    Args:
        operations: of these only; of all without any.
        parameters: what to put in place.
    """

    def ask(proceed: Answer, context: Context, call: Call) -> Document | None:
        if not _in(operations, call):
            return proceed(context, call)
        changed = {**call.parameters, **parameters}
        kept = {name: value for name, value in changed.items() if value is not None}
        return proceed(context, replace(call, parameters=kept))

    return {answer: ask}


def adjusting(
    change: Callable[[Context, Document], object], *operations: str
) -> Replacements:
    """Answers calls as if their parameters had been edited.

    Args:
        change: gets the context, and the parameters, which it edits in place.
        operations: of these only; of all without any.
    """

    def adjust(proceed: Answer, context: Context, call: Call) -> Document | None:
        if not _in(operations, call):
            return proceed(context, call)
        parameters = dict(call.parameters)
        change(context, parameters)
        return proceed(context, replace(call, parameters=parameters))

    return {answer: adjust}


def describing(change: Callable[[XksKey, Document], object]) -> Replacements:
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

    return {key_metadata: describe}


def editing(change: Callable[[Document], object], *operations: str) -> Replacements:
    """Edits the document of every success.

    Args:
        change: edits it in place.
        operations: of these only; of all without any.
    """

    def edit(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        if document is not None and _in(operations, call):
            change(document)
        return document

    return {answer: edit}


def renaming(code: str, other: str, *operations: str) -> Replacements:
    """Raises one exception where another one is due.

    Args:
        code: the exception that is due; ``*`` for any.
        other: what comes instead, with the same message.
        operations: of these only; of all without any.
    """

    def rename(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        return KmsError(other, error.message) if code in {error.code, "*"} else None

    return raising(rename, *operations)


def raising(
    instead: Callable[[Context, Call, KmsError], KmsError | None], *operations: str
) -> Replacements:
    """Raises something else where an exception is due.

    Args:
        instead: gets the context, the call and the exception that is due, and returns
            what to raise; None leaves it as it is.
        operations: of these only; of all without any.
    """

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            other = instead(context, call, error) if _in(operations, call) else None
            if other is None:
                raise
            raise other from None

    return {answer: respond}


def forgiving(
    code: str, *operations: str, document: Mapping[str, object] | None = None
) -> Replacements:
    """Answers with success where an exception is due.

    Args:
        code: the exception; ``*`` for any.
        operations: of these only; of all without any.
        document: what the success says.
    """

    def forgive(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if code not in {error.code, "*"} or not _in(operations, call):
                raise
            return dict(document or {})

    return {answer: forgive}


def answering(
    respond: Callable[[Answer, Context, Call], Document | None], *operations: str
) -> Replacements:
    """Answers in a way of its own.

    Args:
        respond: gets the step itself, the context and the call.
        operations: these only; all without any.
    """

    def own(proceed: Answer, context: Context, call: Call) -> Document | None:
        if not _in(operations, call):
            return proceed(context, call)
        return respond(proceed, context, call)

    return {answer: own}


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
