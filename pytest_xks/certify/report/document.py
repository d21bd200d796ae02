"""The result as a document: the content of ``report.json``, which every report renders.

All reports read this one model, so they cannot disagree, and a saved result renders as
a fresh one does. The shape is public: ``report.schema.json`` describes it, and
``SCHEMA_VERSION`` changes with it.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

__all__ = [
    "SCHEMA_VERSION",
    "UNSUPPORTED_CHECK",
    "BaselineResult",
    "Body",
    "CheckResult",
    "Document",
    "ExchangeView",
    "KmsTargetView",
    "Latency",
    "LossView",
    "ProxyTargetView",
    "RequirementResult",
    "TargetView",
    "Unobservable",
    "UnsupportedView",
    "was_narrowed",
]

SCHEMA_VERSION = "1.3"
UNSUPPORTED_CHECK = "preflight::lacking"
"""The id of the check of what was not tried; see ``UnsupportedView``."""


class Suite(TypedDict):
    """Which suite judged."""

    name: str
    version: str
    specification: str
    specification_version: str
    catalogue_version: NotRequired[str]
    """Reports of before schema version 1.2 do not say."""
    part: str


@final
class ProxyTargetView(TypedDict):
    """A proxy, without secrets."""

    endpoint: str
    uri_path: str
    region: str
    access_key_id: str
    keys: dict[str, str]
    capabilities: list[str]
    not_supported: list[str]
    certificate_verified: bool
    source: str


@final
class KmsTargetView(TypedDict):
    """A KMS endpoint, without secrets."""

    endpoint_url: str
    region: str
    access_key_id: str
    proxy_endpoint_template: str
    """What was registered as XksProxyUriEndpoint."""
    capabilities: list[str]
    not_supported: list[str]
    source: str


TargetView = ProxyTargetView | KmsTargetView
"""The target, by the part of the suite."""


class Body(TypedDict):
    """A body: text as it was, anything else in Base64."""

    encoding: str
    """"utf-8" or "base64"."""
    content: str
    bytes: int
    """The whole length; ``content`` may be cut."""
    truncated: bool


class ResponseView(TypedDict):
    """An HTTP response."""

    status: int
    reason: str
    headers: list[list[str]]
    body: Body


class ExchangeView(TypedDict):
    """A request, and what became of it."""

    label: str
    method: str
    url: str
    headers: list[list[str]]
    body: Body
    response: ResponseView | None
    error: str
    duration_ms: float
    shows_violation: bool
    reproduce: str


class CheckResult(TypedDict):
    """One check."""

    id: str
    title: str
    status: str
    duration_ms: float
    reason: str
    add: str
    expected: list[str]
    observed: str
    note: str
    reproduce: str
    """The shell line of the exchange that shows the violation, or empty."""
    exchanges: list[ExchangeView]
    """Those of a check that did not pass."""


class RequirementResult(TypedDict):
    """One requirement that has a check."""

    id: str
    level: str
    chapter: str
    title: str
    source: str
    text: str
    accepts: str
    since: str
    status: str
    explain: str
    known_failure: str | None
    """The reason in the baseline, if it lists this requirement."""
    checks: list[CheckResult]


class UnsupportedView(TypedDict):
    """What the target does not support at all, so that nothing else could be tried."""

    what: str
    """"external key stores"."""
    exchanges: list[ExchangeView]
    """What it answered to each operation."""


class LossView(TypedDict):
    """That the target was lost during the run."""

    what: str
    """"stopped answering", "slowed to a crawl"."""
    at: str
    """When the request was sent to which no answer came."""
    exchange: ExchangeView
    """That request."""


class Unobservable(TypedDict):
    """A requirement without a check: not observable from outside, or informational."""

    id: str
    level: str
    chapter: str
    title: str
    source: str
    verification: str
    """"not_observable", "informational", or "by_command" without that command."""
    reason: str


class Latency(TypedDict):
    """A distribution of response times in milliseconds."""

    series: str
    count: int
    minimum: float
    median: float
    p90: float
    p99: float
    maximum: float
    values: list[float]
    """Sorted; of many, evenly spaced quantiles."""


class BaselineResult(TypedDict):
    """The result against a list of known failures."""

    file: str
    known: list[str]
    unexpected: list[str]
    stale: list[str]
    unknown: list[str]


class Configuration(TypedDict):
    """What was asked for."""

    strict: bool
    load: bool
    only: list[str]
    skip: list[str]
    fail_fast: bool
    pytest_args: list[str]


class Environment(TypedDict):
    """Where the suite ran."""

    python: str
    pytest: str
    platform: str


class Document(TypedDict):
    """The whole result."""

    schema_version: str
    suite: Suite
    target: TargetView
    verdict: str
    summary: dict[str, dict[str, int]]
    """Counts by level, then by status."""
    requirements: list[RequirementResult]
    exit_status: int
    chapters: dict[str, str]
    not_observable: list[Unobservable]
    problems: list[str]
    warnings: list[str]
    interrupted: bool
    latencies: list[Latency]
    facts: dict[str, str | int | float | bool]
    configuration: Configuration
    environment: Environment
    started_at: str
    duration_seconds: float
    baseline: NotRequired[BaselineResult]
    lacking: NotRequired[UnsupportedView]
    """What the target does not support at all."""
    lost: NotRequired[LossView]
    causes: NotRequired[list[list[str]]]
    """What is violated, in groups, the weightiest first: ids, of which the first
    probably explains the others."""
    findings: NotRequired[list[str]]
    """What was the matter with the whole of the target before the run."""


def was_narrowed(document: Document) -> bool:
    """Whether the user's options may have left out what counts."""
    asked = document["configuration"]
    return bool(
        asked["only"] or asked["skip"] or asked["fail_fast"] or asked["pytest_args"]
    )
