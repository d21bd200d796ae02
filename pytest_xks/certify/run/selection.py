"""Which requirements a run is asked to verify, and how many requests go out at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_xks.certify.requirements.catalogue import Catalogue

__all__ = ["DEFAULT_JOBS", "MOST_JOBS", "PROXY_JOBS", "Selection"]

DEFAULT_JOBS = 8
PROXY_JOBS = 16
"""Of a proxy, which serves KMS's whole fleet and may be far away."""
MOST_JOBS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user asked for; what it leaves out is disabled."""

    only: tuple[str, ...] = ()
    """Prefixes of requirement ids; empty for all."""
    skip: tuple[str, ...] = ()
    """Prefixes of requirement ids."""
    fail_fast: bool = False
    """Whether the first failed MUST ends the run."""
    load: bool = False
    """Whether to run the load test, too."""
    jobs: int = DEFAULT_JOBS
    """How many requests of a check go out at once, at most; changes no result."""
    pytest_args: tuple[str, ...] = ()
    """Further arguments for pytest."""
    sampled_but: frozenset[str] | None = None
    """For the self-test: of the checks of other requirements than these, one of each
    test function will do; None for all."""

    in_breadth: frozenset[str] | None = None
    """For the self-test: the requirements that are tried in all their breadth, where of
    others a sample will do; None for all."""

    @property
    def is_narrowed(self) -> bool:
        """Whether it may leave out what counts."""
        return bool(self.only or self.skip or self.fail_fast or self.pytest_args)

    def ids(self, catalogue: Catalogue) -> frozenset[str]:
        """The requirements to verify.

        Raises:
            UsageProblem: a prefix matches no requirement.
        """
        for prefix in (*self.only, *self.skip):
            if not catalogue.matching([prefix]):
                raise UsageProblem(
                    f"No requirement begins with {prefix!r}.",
                    "`pytest-xks requirements` lists them all.",
                )
        chosen = catalogue.matching(self.only or [""])
        return chosen - (catalogue.matching(self.skip) if self.skip else frozenset())
