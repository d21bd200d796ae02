"""``report.html``: one self-contained page for a manager and an engineer.

The template lies beside this file. Everything in it is escaped by jinja2; nothing is
loaded from elsewhere, and a content security policy says so.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.reproduction import credential_variables
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.certify.report.story import (
    check_parts,
    story,
    violated_checks,
)
from pytest_xks.certify.report.summary import (
    answered,
    attention,
    certified,
    first_lines,
    hint,
    levels,
    listed,
    not_run,
    target_address,
    unsupported_title,
    verdict_line,
    verdict_sentence,
)
from pytest_xks.certify.run.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Template

    from pytest_xks.certify.report.document import (
        Document,
        Latency,
        RequirementResult,
    )

__all__ = ["render_html"]

# "GetKeyMetadata", KMS considerations: KMS waits this long.
_DEADLINE_MS = 250.0
# What the commands in a report are signed for.
_SERVICES = {"proxy": "kms-xks-proxy", "kms": "kms"}
_TICKS_MS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
_DOTS = 120


def render_html(document: Document) -> str:
    """The content of ``report.html``."""
    return _template().render(
        document=document,
        verdict_line=verdict_line(document),
        verdict_sentence=verdict_sentence(document),
        certified=list(certified(document)),
        address=target_address(document),
        unsupported=unsupported_title(document),
        answered=list(answered(document)),
        attention=list(attention(document)),
        chapters=list(_chapters(document)),
        statuses=_occurring(document),
        story=story,
        check_parts=check_parts,
        violated_checks=violated_checks,
        levels=[level.value for level in levels(document)],
        variables=credential_variables(service=_SERVICES[document["suite"]["part"]]),
        listed=list(listed(document)),
        hint=hint,
        first_lines=list(first_lines(document)),
        not_run=not_run(document),
        plot=_plot(document["latencies"]),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - slow
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    def finalize(value: object) -> object:
        plain = isinstance(value, str) and not isinstance(value, Markup)
        return quoted(str(value)) if plain else value

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = files(__package__).joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(source)


def _occurring(document: Document) -> list[str]:
    rows = document["summary"].values()
    return [s.value for s in Status if any(row[s] for row in rows)]


def _chapters(
    document: Document,
) -> Iterator[tuple[str, list[RequirementResult], dict[str, int]]]:
    for code, title in document["chapters"].items():
        results = [r for r in document["requirements"] if r["chapter"] == code]
        if results:
            found = [r["status"] for r in results]
            yield title, results, {s.value: found.count(s.value) for s in Status}


def _plot(latencies: list[Latency]) -> dict[str, object] | None:
    """Where everything of the latency plot lies, in percent of its width."""
    if not latencies:
        return None
    low = max(0.05, min(latency["minimum"] for latency in latencies)) / 1.5
    high = max(_DEADLINE_MS, *(latency["maximum"] for latency in latencies)) * 1.5

    def position(milliseconds: float) -> float:
        share = math.log(max(milliseconds, low) / low) / math.log(high / low)
        return round(100 * share, 2)

    return {
        "deadline": position(_DEADLINE_MS),
        "ticks": [(f"{t:g}", position(t)) for t in _TICKS_MS if low < t < high],
        "rows": [
            {
                "latency": latency,
                "dots": [position(v) for v in _sample(latency["values"])],
                "minimum": position(latency["minimum"]),
                "median": position(latency["median"]),
                "p99": position(latency["p99"]),
                "maximum": position(latency["maximum"]),
            }
            for latency in latencies
        ],
    }


def _sample(values: list[float]) -> list[float]:
    step = max(1, math.ceil(len(values) / _DOTS))
    return values[::step]
