"""What the effects of faults do to the fake KMS, and which calls they may hit."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, cast

from pytest_xks.faults import Delay, Edit, Error, Replace, replacements
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.desk.steps import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.faults import Chance, FaultBoard, Occasion, Translatable
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

    Document = dict[str, object]
    Answer = Callable[[Context, Call], Document | None]
    Step = Callable[..., object]
    Replacement = Callable[..., object]

__all__ = ["faults_at_work"]


@contextmanager
def faults_at_work(board: FaultBoard, occasion: Occasion) -> Iterator[None]:
    """Let the armed faults act on the call within the block.

    Args:
        board: the faults.
        occasion: what the call is about.
    """
    steps = replacements(board.at(occasion), _translate)
    with replaced(cast("Mapping[Step, Replacement]", steps)):
        yield


def _translate(effect: Translatable, chance: Chance) -> tuple[Replace, ...]:
    match effect:
        case Delay():
            return (_late(effect, chance),)
        case Error(name, message):
            return (_failing(KmsError(name, message or "")),)
        case Edit(change):
            return (_edited(change),)
    raise TypeError(f"the fake KMS has no {type(effect).__name__}")


def _late(delay: Delay, chance: Chance) -> Replace:
    def wait(proceed: Answer, context: Context, call: Call) -> Document | None:
        context.clock.wait(milliseconds=chance.delay_ms(delay))
        return proceed(context, call)

    return Replace(answer, wait)


def _failing(error: KmsError) -> Replace:
    def fail(*_: object) -> NoReturn:
        raise error

    return Replace(answer, fail)


def _edited(change: Callable[[Document], object]) -> Replace:
    def edit(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        # None: moto has yet to answer, and what it says is not edited.
        if document is not None:
            change(document)
        return document

    return Replace(answer, edit)
