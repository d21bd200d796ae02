"""What the service model of KMS has that we have not looked at: `tox -e drift`.

``known.txt`` has a line for every operation, every member of a shape and every value of
an enumeration that somebody has looked at, and the botocore whose model that was. This
names what another botocore has besides. Where nothing has to be done, or is done,
``--write`` makes it known.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
from botocore.loaders import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN = Path(__file__).with_name("known.txt")
_OF = "# botocore "


def lines_of(model: dict[str, Any]) -> Iterator[str]:
    """What there is in a model."""
    yield from model["operations"]
    for name, shape in model["shapes"].items():
        yield from (f"{name}.{member}" for member in shape.get("members", {}))
        yield from (f"{name}={value}" for value in shape.get("enum", ()))


def installed() -> set[str]:
    """What there is in the model of the installed botocore."""
    return set(lines_of(Loader().load_service_model("kms", "service-2")))


def known() -> tuple[str, set[str]]:
    """The botocore that somebody has looked at, and what was there."""
    first, *lines = KNOWN.read_text("utf-8").splitlines()
    return first.removeprefix(_OF), set(lines)


def main() -> int:
    """Name what is not known; the exit status is 1 if there is anything."""
    here = installed()
    if sys.argv[1:] == ["--write"]:
        lines = [f"{_OF}{botocore.__version__}", *sorted(here)]
        KNOWN.write_text("\n".join(lines) + "\n", "utf-8")
        return 0
    version, there = known()
    lines = [
        f"KMS in botocore {botocore.__version__}; known is {version}.",
        *(f"new: {line}" for line in sorted(here - there)),
        *(f"gone: {line}" for line in sorted(there - here)),
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(here != there)


if __name__ == "__main__":
    sys.exit(main())
