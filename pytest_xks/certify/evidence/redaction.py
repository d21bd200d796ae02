"""Secrets leave no trace: everything that is shown or written passes here first.

A secret is found by its value, in every spelling that a program may have chosen: the
text is read in every way that there is (``readings``), and where a reading holds the
secret, the text loses what was read so. Names of shell variables stand in reproduction
lines from the start, so nothing is lost by it.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, TypeVar

from pytest_xks.certify.evidence.readings import readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_xks.certify.evidence.readings import Reading

__all__ = ["MASK", "Redactor", "without_signature"]

MASK = "[redacted]"

T = TypeVar("T")
Span = tuple[int, int]

_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_SIGNATURE = re.compile(r"(Signature=)[0-9A-Za-z+/=%]+")

# What could hold the secret of a key store in one of its forms: it has 43 characters
# or more. Of lower-case texts.
_LONG_RUN = re.compile(r"[0-9a-z+/=_-]{43,}")
_START = 8
_BASE64_CHARACTER = re.compile(r"[0-9A-Za-z+/_-]")
_BASE64_END = re.compile(r"[0-9A-Za-z+/_-]?={0,2}")
# The longest spelling of a character that the end of a piece of a text has to hold.
_MARGIN = 16_384


def _lower(text: str) -> str:
    """``text`` in lower case, each character at its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if c.isascii() else c for c in text)


def _base64_cores(secret: bytes) -> Iterator[str]:
    """What the Base64 of anything that holds ``secret`` has to hold."""
    # A byte begins at a character's start, or 2 or 4 bits later: what came before has
    # a share in the first characters, what comes after in the last.
    for before, skipped in enumerate((0, 2, 3)):
        whole = (before + len(secret)) * 8 // 6
        encoded = base64.b64encode(bytes(before) + secret).decode()
        core = encoded[skipped:whole]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))


class _Forms:
    """What a reading in lower case may hold of some secrets, and where."""

    def __init__(self) -> None:
        self._plain: set[str] = set()
        self._cores: set[str] = set()
        self.shortest = 1 << 30

    def add(self, secret: str) -> list[str]:
        """Know one more secret; its forms."""
        raw = secret.encode("utf-8", "surrogatepass")
        joined = "".join(c for c in secret if not c.isspace() and c not in "\0\"'")
        plain = {_lower(form) for form in (secret, joined, raw.hex()) if form}
        cores = {_lower(core) for core in _base64_cores(raw)}
        self._plain |= plain
        self._cores |= cores - plain
        self.shortest = min(self.shortest, *map(len, plain))
        return sorted(plain | cores, key=len, reverse=True)

    def is_core(self, form: str) -> bool:
        """Whether it is a part of a Base64 text, of which the rest tells more."""
        return form in self._cores

    def spans(self, lowered: str) -> Iterator[tuple[str, int]]:
        """Each form in the text, with the place where it begins."""
        for form in self._plain | self._cores:
            start = lowered.find(form)
            while start >= 0:
                yield form, start
                start = lowered.find(form, start + 1)


class _LearnedForms(_Forms):
    """As above, for hundreds of secrets of 43 characters of Base64 or more."""

    def __init__(self) -> None:
        super().__init__()
        # By their first characters: one look-up a position, however many there are.
        self._by_start: dict[str, list[str]] = {}

    def add(self, secret: str) -> list[str]:
        forms = super().add(secret)
        for form in forms:
            self._by_start.setdefault(form[:_START], []).append(form)
        return forms

    def spans(self, lowered: str) -> Iterator[tuple[str, int]]:
        if not self._by_start:
            return
        for run in _LONG_RUN.finditer(lowered):
            for index in range(run.start(), run.end() - _START):
                for form in self._by_start.get(lowered[index : index + _START], ()):
                    if lowered.startswith(form, index):
                        yield form, index


class Redactor:
    """Replaces secrets in texts and documents.

    Args:
        secrets: the secret access keys; none of them is kept in a repr.
        learned: yields the secrets of key stores that were made so far; there may be
            hundreds of them.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        learned: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._given = _Forms()
        for secret in filter(None, secrets):
            self._given.add(secret)
        self._learned = learned
        self._known: set[str] = set()
        self._made = _LearnedForms()

    def text(self, text: str) -> str:
        """``text`` without secrets and private keys."""
        return _masked(text, self._spans(text), len(text))

    def head(self, content: bytes, length: int) -> bytes:
        """The first ``length`` bytes of ``content``, without secrets and private keys.

        A secret that begins there and ends later is hidden as well.
        """
        piece = content[: length + _MARGIN].decode("latin-1")
        return _masked(piece, self._spans(piece), length).encode("latin-1")

    def raw(self, content: bytes) -> bytes:
        """``content`` without secrets and private keys; for bodies of any encoding."""
        # Latin-1 maps every byte to itself and back.
        return self.text(content.decode("latin-1")).encode("latin-1")

    def document(self, value: T) -> T:
        """A copy of a JSON document in which no text has a secret."""
        return self._value(value)  # type: ignore[return-value] # the same shape

    def _value(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(k): self._value(v) for k, v in value.items()}
            case list() | tuple():
                return [self._value(item) for item in value]
            case _:
                return value

    def _learn(self) -> None:
        made = tuple(self._learned())
        if len(made) == len(self._known):
            return
        for secret in set(made) - self._known:
            self._known.add(secret)
            self._made.add(secret)

    def _spans(self, text: str) -> list[Span]:
        """Where something to hide begins and ends, in order, without overlaps."""
        self._learn()
        # No spelling is shorter than the characters that it stands for.
        if len(text) < min(self._given.shortest, self._made.shortest, _SHORTEST_KEY):
            return []
        found: list[Span] = []
        for reading in readings(text):
            found += self._new_in(reading, found)
        return _joined(found)

    def _new_in(self, reading: Reading, found: Iterable[Span]) -> list[Span]:
        """What a reading shows that those before it did not."""
        spans = list(self._in_reading(reading))
        if not spans:
            return []
        starts, ends = reading.places()
        placed = (
            (_place(core, starts, ends), _place(whole, starts, ends))
            for core, whole in spans
        )
        return [whole for core, whole in placed if not _is_within(core, found)]

    def _in_reading(self, reading: Reading) -> Iterator[tuple[Span, Span]]:
        """What is sure to be a secret, and the same with what may tell more of it."""
        if not reading.is_loose:
            for key in _PRIVATE_KEY.finditer(reading.text):
                yield key.span(), key.span()
        lowered = _lower(reading.text)
        for forms in (self._given, self._made):
            for form, start in forms.spans(lowered):
                span = start, start + len(form)
                is_core = forms.is_core(form)
                yield span, _with_edges(reading.text, span) if is_core else span


_SHORTEST_KEY = len("-----BEGIN PRIVATE KEY-----")


def _with_edges(text: str, span: Span) -> Span:
    """A piece of Base64 with the characters that hold a part of a byte of it."""
    start, end = span
    if start and _BASE64_CHARACTER.match(text, start - 1):
        start -= 1
    rest = _BASE64_END.match(text, end)
    return start, rest.end() if rest else end


def _place(span: Span, starts: Sequence[int], ends: Sequence[int]) -> Span:
    first, last = span
    return starts[first], ends[last - 1]


def _is_within(span: Span, spans: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in spans)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _masked(text: str, spans: Iterable[Span], length: int) -> str:
    """The first ``length`` characters of a text, a mask in place of every span."""
    parts: list[str] = []
    position = 0
    for start, end in spans:
        if start >= length:
            break
        parts += (text[position:start], MASK)
        position = end
    parts.append(text[position:length])
    return "".join(parts)


def without_signature(header: str) -> str:
    """An Authorization header's value without its signature."""
    return _SIGNATURE.sub(rf"\1{MASK}", header)
