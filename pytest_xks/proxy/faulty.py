"""What the effects of faults do to the mock proxy: they replace steps of its rules."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from pytest_xks.faults import Delay, Edit, End, Error, Replace, replacements
from pytest_xks.http.delivery import Ending
from pytest_xks.proxy_api.errors import ErrorName, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_xks.faults import Chance, Translatable
    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.http import Request, Response

    Deliver: TypeAlias = Callable[[Response, Request], Delivery]
    Respond: TypeAlias = Callable[[Mapping[str, object]], Response]

__all__ = ["under_faults"]


def under_faults(rules: Rules, chances: Iterable[Chance]) -> Rules:
    """The rules for one request.

    Args:
        rules: those of the proxy without a fault.
        chances: the faults that concern the request.
    """
    replaced = {
        str(step): partial(replacement, getattr(rules, str(step)))
        for step, replacement in replacements(chances, _translate).items()
    }
    return replace(rules, **replaced) if replaced else rules


def _translate(effect: Translatable, chance: Chance) -> tuple[Replace, ...]:
    match effect:
        case Delay():
            return (_late(effect, chance),)
        case End(how):
            return (_ending(Ending(how)),)
        case Error(name, message):
            return (_failing(XksError(ErrorName(name), message)),)
        case Edit(change):
            return (_edited(change),)


def _late(delay: Delay, chance: Chance) -> Replace:
    def deliver(proceed: Deliver, response: Response, request: Request) -> Delivery:
        delivery = proceed(response, request)
        return replace(delivery, delay_ms=delivery.delay_ms + chance.delay_ms(delay))

    return Replace("deliver", deliver)


def _ending(ending: Ending) -> Replace:
    def deliver(proceed: Deliver, response: Response, request: Request) -> Delivery:
        return replace(proceed(response, request), ending=ending)

    return Replace("deliver", deliver)


def _failing(error: XksError) -> Replace:
    def fail(*_: object) -> NoReturn:
        raise error

    # After authentication, where the reason for most errors arises.
    return Replace("admit", fail)


def _edited(change: Callable[[dict[str, object]], object]) -> Replace:
    def respond(proceed: Respond, document: Mapping[str, object]) -> Response:
        copy = dict(document)
        change(copy)
        return proceed(copy)

    return Replace("respond", respond)
