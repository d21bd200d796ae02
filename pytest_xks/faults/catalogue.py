"""The catalogue of an owner: all that it can do wrong, by name.

A fault is a function that builds effects; a row, where a function would only return a
value::

    CATALOGUE = Catalogue(owner="the mock XKS proxy", operations=Operation, modules=())


    @CATALOGUE.fault(keywords=("latency",))
    def delay(milliseconds: Latency = 1000) -> Effect:
        \"\"\"Answers late; KMS waits 250 ms.\"\"\"
        return Delay(milliseconds)


    CATALOGUE.row("silence", "Takes the request and never answers.", End("silence"))
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

from pytest_xks.faults.effects import Effect
from pytest_xks.faults.fault import Build, Fault
from pytest_xks.faults.options import abridged, options_of
from pytest_xks.faults.search import nearest, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Catalogue", "Declaration"]

B = TypeVar("B", bound=Build)


class Declaration(TypedDict, total=False):
    """What is said of a fault beside what it builds; see ``Fault``."""

    violates: tuple[str, ...]
    operations: tuple[str, ...]
    scope: tuple[str, ...]
    wholesale: bool
    keywords: tuple[str, ...]


class Catalogue:
    """The faults of an owner.

    Args:
        owner: whom the faults belong to, in messages: "the mock XKS proxy".
        operations: the names of all operations that the owner has.
        modules: the modules in which faults are written. They register them when they
            are imported, and are imported when somebody asks.
    """

    def __init__(
        self, *, owner: str, operations: Iterable[str], modules: Iterable[str]
    ) -> None:
        self.owner = owner
        self.operations = tuple(map(str, operations))
        self._modules = tuple(modules)
        self._faults: dict[str, Fault] = {}

    def __repr__(self) -> str:
        """Whose it is."""
        return f"<faults of {self.owner}>"

    # -- registering --------------------------------------------------------------

    def fault(self, **declaration: Unpack[Declaration]) -> Callable[[B], B]:
        """Register a function as a fault.

        The fault has the function's name, with hyphens. The first line of the docstring
        is its summary, the parameters are its options.

        Args:
            declaration: what else is to be said of it; see ``Fault``.

        Raises:
            TypeError: a parameter cannot be an option; see ``options_of``.
            ValueError: the name is taken, there is no docstring, or the owner has no
                such operation.
        """

        def register(build: B) -> B:
            name = build.__name__.strip("_").replace("_", "-")
            summary = (build.__doc__ or "").strip().partition("\n")[0]
            self._add(name, summary, build, declaration)
            return build

        return register

    def row(
        self,
        name: str,
        summary: str,
        effect: Effect | tuple[Effect, ...] | Build,
        **declaration: Unpack[Declaration],
    ) -> None:
        """Register a fault where there is nothing to compute.

        Args:
            name: its name, of any form: ``ThrottlingException``.
            summary: what the faulty owner does, in one sentence.
            effect: what it always builds; or a factory, where each arming needs a state
                of its own, or which many rows share. Its parameters, those apart that a
                ``partial`` has filled by position, are the options.
            declaration: what else is to be said of it; see ``Fault``.

        Raises:
            TypeError: a parameter cannot be an option; see ``options_of``.
            ValueError: the name is taken, there is no summary, or the owner has no such
                operation.
        """
        if isinstance(effect, tuple | Effect):
            self._add(name, summary, lambda: effect, declaration)
        else:
            self._add(name, summary, effect, declaration)

    def _add(
        self, name: str, summary: str, build: Build, declaration: Declaration
    ) -> None:
        if name in self._faults:
            raise ValueError(f"{self.owner} has a fault {name!r} already")
        if not summary:
            raise ValueError(f"the fault {name!r} does not say what it does")
        operations = tuple(map(str, declaration.get("operations", ())))
        for operation in operations:
            self.require_operation(operation)
        declared: Declaration = {**declaration, "operations": operations}
        self._faults[name] = Fault(
            name=name,
            summary=summary,
            build=build,
            options=options_of(build),
            **declared,
        )

    def require_operation(self, operation: str) -> None:
        """Do nothing if the owner has the operation.

        Raises:
            ValueError: it does not; the message lists those that it has.
        """
        if operation not in self.operations:
            raise ValueError(
                f"{self.owner} has no operation {abridged(operation)}; "
                f"it has {', '.join(self.operations)}"
            )

    # -- finding ------------------------------------------------------------------

    def all(self) -> Mapping[str, Fault]:
        """Every fault by its name."""
        for module in self._modules:
            importlib.import_module(module)
        return MappingProxyType(self._faults)

    def find(self, name: str) -> Fault:
        """The fault of a name.

        Raises:
            LookupError: there is none; the message names the nearest, in spelling and
                in meaning, with their summaries.
        """
        known = self.all()
        if name in known:
            return known[name]
        near = [
            f"\n  {each.name}: {each.summary}"
            for each in nearest(known, name, owner=self.owner)
        ]
        hint = f"; did you mean one of these?{''.join(near)}" if near else ""
        raise LookupError(f"{self.owner} has no fault {abridged(name)}{hint}")

    def search(self, words: str) -> tuple[Fault, ...]:
        """The faults in which each word is found, the best first; all without words.

        Args:
            words: words of a name, a summary or a keyword, or synonyms of them.
        """
        return search(self.all().values(), words, owner=self.owner)
