"""A check of several cases: the same question about one value after the other.

``cases`` stands where ``pytest.mark.parametrize`` would, takes its arguments, and makes
one check of them all, which judges them side by side::

    @pytest.mark.requirement("KMS-CREATESTORE-007")
    @cases("defect", ENDPOINT_DEFECTS, calls=new_calls)
    def test_bad_endpoint(calls: CreateCalls, defect: str) -> None:

Fixtures are shared by the cases. What a case changes, or lets go wrong, it has to have
for itself: ``calls`` is made anew for each case by ``new_calls(provisioner, kms)``, and
stores that a case made are removed with it. What reached the proxy on behalf of a case
is told by its own key store or external key, never by the time.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import Enum
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from .judging import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .key_stores import Key
    from .kms_client import KmsClient
    from .provisioning import Provisioner

    Body = Callable[..., None]
    Factory = Callable[[Provisioner, KmsClient], Any]

__all__ = ["cases", "make_new_key", "own_key"]

_FIXTURES = ("provisioner", "kms")
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    label: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the decorators of a check come to."""

    body: Body
    cases: Sequence[_Case]
    own: Mapping[str, Factory]
    stores: int

    def run(self, fixtures: Mapping[str, Any]) -> None:
        """Judge every case."""
        provisioner, kms = (fixtures[name] for name in _FIXTURES)
        asked = inspect.signature(self.body).parameters
        shared = {name: value for name, value in fixtures.items() if name in asked}

        wanted = self.stores * len(self.cases)
        room = provisioner.room(wanted) if self.stores else 0

        def judge_case(case: _Case) -> None:
            with provisioner.apart(kms, at_once=wanted > room):
                own = {n: make(provisioner, kms) for n, make in self.own.items()}
                self.body(**shared, **own, **case.arguments)

        judge(
            kms,
            {case.label: partial(judge_case, case) for case in self.cases},
            width=max(1, room // self.stores) if self.stores else None,
        )


def cases(
    names: str | Sequence[str],
    values: Iterable[Any],
    *,
    stores: int = 0,
    **own: Factory,
) -> Callable[[Body], Body]:
    """Judge a check for each of these values, side by side.

    Several of these decorators make a case of each combination.

    Args:
        names: of the arguments, as ``pytest.mark.parametrize`` takes them.
        values: for these, likewise; ``pytest.param`` gives one an id.
        stores: how many key stores a case makes at most, for an account has few.
        own: arguments that are made for each case.
    """
    arguments = [names] if isinstance(names, str) else list(names)
    listed = [_case(arguments, value, n) for n, value in enumerate(values)]

    def decorate(function: Body) -> Body:
        inner: _Plan | None = getattr(function, "plan_of_cases", None)
        plan = _Plan(
            body=inner.body if inner else function,
            cases=_combined(listed, inner.cases if inner else None),
            own={**(inner.own if inner else {}), **own},
            stores=max(stores, inner.stores if inner else 0),
        )
        return _check(plan, set(plan.cases[0].arguments) | set(plan.own))

    return decorate


def _check(plan: _Plan, given: set[str]) -> Body:
    """The function that pytest sees: it asks for the fixtures alone."""

    @wraps(plan.body)
    def check(**fixtures: object) -> None:
        plan.run(fixtures)

    asked = list(inspect.signature(plan.body).parameters)
    wanted = dict.fromkeys((*_FIXTURES, *(n for n in asked if n not in given)))
    kind = inspect.Parameter.KEYWORD_ONLY
    del check.__dict__["__wrapped__"]  # Or its signature would count.
    own = inspect.Signature([inspect.Parameter(name, kind) for name in wanted])
    check.__dict__.update(__signature__=own, plan_of_cases=plan)
    return check


def _case(names: list[str], value: Any, number: int) -> _Case:  # noqa: ANN401 - anything
    """A case, from a value or from what ``pytest.param`` made of it."""
    label, given = getattr(value, "id", None), value
    if hasattr(value, "values") and hasattr(value, "marks"):
        given = value.values[0] if len(names) == 1 else value.values
    parts = [given] if len(names) == 1 else list(given)
    texts = (_text(n, v, number) for n, v in zip(names, parts, strict=True))
    return _Case(
        label=label or "-".join(texts), arguments=dict(zip(names, parts, strict=True))
    )


def _text(name: str, value: object, number: int) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, tuple | list) and all(isinstance(v, str) for v in value):
        return " ".join(value)
    return str(value) if isinstance(value, _PLAIN) else f"{name}{number}"


def _combined(outer: list[_Case], inner: Sequence[_Case] | None) -> list[_Case]:
    if inner is None:
        return outer
    return [
        _Case(
            label=f"{one.label}, {other.label}",
            arguments={**one.arguments, **other.arguments},
        )
        for other in outer
        for one in inner
    ]


def own_key(provisioner: Provisioner, kms: KmsClient) -> Key:
    """An enabled KMS key, which the case leaves as it is."""
    return provisioner.own_key(kms)


def make_new_key(provisioner: Provisioner, kms: KmsClient) -> Key:
    """A new KMS key, with which the case does what it likes."""
    return provisioner.make_key(kms, provisioner.keyed_store(kms))
