"""A context manager as a decorator of whatever a test can be.

Each call of what is decorated, each test of a class, has a context of its own.
"""

from __future__ import annotations

import functools
import inspect
import unittest
from contextlib import AbstractContextManager, ExitStack, aclosing, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    _ContextOf = Callable[[tuple[object, ...]], "Context"]

__all__ = ["decorate"]

Context = AbstractContextManager[Any]
"""Entered for each call."""

_OPEN = "_xks_context"
_SETUP, _TEARDOWN = "setup_method", "teardown_method"


def decorate(target: Any, context: Callable[[], Context], name: str) -> Any:  # noqa: ANN401 - anything comes in
    """Decorate a function, coroutine, generator, method, class or other callable.

    Args:
        target: what stands below the decorator.
        context: makes the context of a call.
        name: the decorator's, for messages.

    Raises:
        TypeError: it cannot be decorated.
    """
    if isinstance(target, classmethod | staticmethod):
        return type(target)(decorate(target.__func__, context, name))
    if inspect.isclass(target):
        return _class(target, context)
    if type(target).__module__.startswith("_pytest."):
        raise TypeError(f"{name} stands below @pytest.fixture, not above it")
    if not callable(target):
        raise TypeError(f"{name} decorates functions and classes, not {target!r}")
    return _callable(target, lambda _args: context())


def _callable(function: Any, context: _ContextOf) -> Any:  # noqa: ANN401 - of the same kind
    called = function
    if not inspect.isroutine(function) and not isinstance(function, functools.partial):
        called = type(function).__call__
    kinds = (wrap for is_kind, wrap in _KINDS if is_kind(called))
    return functools.wraps(function)(next(kinds, _plain)(function, context))


def _plain(function: Any, context: _ContextOf) -> Callable[..., Any]:  # noqa: ANN401 - a callable
    def mocked(*args: object, **kwargs: object) -> object:
        with context(args):
            return function(*args, **kwargs)

    return mocked


def _coroutine(function: Any, context: _ContextOf) -> Callable[..., Any]:  # noqa: ANN401 - likewise
    async def mocked(*args: object, **kwargs: object) -> object:
        with context(args):
            return await function(*args, **kwargs)

    return mocked


def _generator(function: Any, context: _ContextOf) -> Callable[..., Any]:  # noqa: ANN401 - likewise
    def mocked(*args: object, **kwargs: object) -> Generator[Any, Any, Any]:
        with context(args):
            return (yield from function(*args, **kwargs))

    return mocked


def _async_generator(function: Any, context: _ContextOf) -> Callable[..., Any]:  # noqa: ANN401 - likewise
    async def mocked(*args: object, **kwargs: object) -> AsyncGenerator[Any, Any]:
        with context(args):
            async with aclosing(function(*args, **kwargs)) as inner:
                step = inner.__anext__()
                while True:
                    try:
                        item = await step
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - handed on
                        step = inner.athrow(error)
                    else:
                        step = inner.asend(sent)

    return mocked


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[..., Any]], ...] = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.isgeneratorfunction, _generator),
)


# -- classes ----------------------------------------------------------------------


def _class(cls: type, context: Callable[[], Context]) -> type:
    """The class itself, whose tests have a context, with what is set up before them.

    Not so ``setUpClass`` and ``setup_class``: they are no test's.
    """
    if issubclass(cls, unittest.TestCase):
        return _unittest_class(cls, context)

    def unless_open(args: tuple[object, ...]) -> Context:
        return nullcontext() if _OPEN in vars(args[0]) else context()

    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        if name.startswith("_") or name in {_SETUP, _TEARDOWN}:
            continue
        if inspect.isfunction(method):
            setattr(cls, name, _callable(method, unless_open))
        elif inspect.isclass(method) and name.startswith("Test"):
            _class(method, context)
    if hasattr(cls, _SETUP):
        _open_at_setup(cls, context)
    return cls


def _unittest_class(cls: Any, context: Callable[[], Context]) -> type:  # noqa: ANN401 - a class of tests
    # All of it happens in here, from setUp to the last clean-up.
    run = cls.run

    @functools.wraps(run)
    def mocked(self: object, result: object = None) -> object:
        with context():
            return run(self, result)

    cls.run = mocked
    return cls  # type: ignore[no-any-return] # it came in as one


def _open_at_setup(cls: Any, context: Callable[[], Context]) -> None:  # noqa: ANN401 - a class of tests
    """One context from before ``setup_method`` until after ``teardown_method``."""
    setup = getattr(cls, _SETUP)
    teardown = getattr(cls, _TEARDOWN, None)

    def setup_method(self: object, method: object) -> None:
        with ExitStack() as stack:
            stack.enter_context(context())
            vars(self)[_OPEN] = None
            _call(setup, self, method)
            vars(self)[_OPEN] = stack.pop_all()

    def teardown_method(self: object, method: object) -> None:
        with vars(self).pop(_OPEN):
            if teardown:
                _call(teardown, self, method)

    setattr(cls, _SETUP, setup_method)
    setattr(cls, _TEARDOWN, teardown_method)


def _call(function: Callable[..., object], self: object, method: object) -> None:
    """pytest's ``setup_method`` and ``teardown_method`` may take the method or not."""
    takes_it = len(inspect.signature(function).parameters) > 1
    function(*((self, method) if takes_it else (self,)))
