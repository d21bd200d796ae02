"""``mock_xks``: the fake KMS for those who use moto's ``mock_aws`` by hand."""

from __future__ import annotations

import inspect
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pytest_xks.kms.fake import FakeKms

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["mock_xks"]

Function = TypeVar("Function", bound="Callable[..., Any]")


class mock_xks(ContextDecorator):  # noqa: N801 - stands beside moto's mock_aws
    """moto's ``mock_aws`` with external key stores, for those who use it by hand.

    A context manager, which gives the ``FakeKms``, and a decorator of functions. It may
    stand inside or outside of ``mock_aws``, or alone: it mocks AWS itself.

    Args:
        configure: called with the ``FakeKms`` once it works; for the decorator, which
            has no other way to hand it over.
    """

    def __init__(self, configure: Callable[[FakeKms], object] | None = None) -> None:
        self._configure = configure
        self._started: list[FakeKms] = []

    def __call__(self, function: Function) -> Function:
        """Decorate a function.

        Raises:
            TypeError: a class or a coroutine function, which would run unmocked.
        """
        if isinstance(function, type) or inspect.iscoroutinefunction(function):
            raise TypeError("mock_xks decorates functions; elsewhere, use it by `with`")
        return super().__call__(function)

    def _recreate_cm(self) -> Self:
        # ContextDecorator's hook: every call of a decorated function has its own fake.
        return type(self)(self._configure)

    def __enter__(self) -> FakeKms:
        """Start."""
        fake = FakeKms().start()
        self._started.append(fake)
        try:
            if self._configure:
                self._configure(fake)
        except BaseException:
            self.__exit__()
            raise
        return fake

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._started.pop().stop()
