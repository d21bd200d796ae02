"""Finding faults by words: of their names, keywords and summaries, and by synonyms."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pytest_xks.faults.synonyms import STOP_WORDS, SYNONYMS, TIME_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_xks.faults.fault import Fault

__all__ = ["nearest", "search"]

# Where a word is found says how much it means.
_WHOLE_NAME, _KEYWORD, _NAME, _SUMMARY = 16, 12, 8, 4

_CHUNK = re.compile(r"[A-Za-z0-9]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Ending -> letters that have to be left, so that "tls" keeps its last.
_ENDINGS = {"ies": 4, "ing": 4, "ed": 4, "es": 4, "ly": 4, "s": 3, "e": 4, "y": 4}


def search(
    faults: Iterable[Fault], words: str, *, owner: str = ""
) -> tuple[Fault, ...]:
    """The faults in which each word is found, the best first; all without words.

    Args:
        faults: where to look; their order decides between equals.
        words: words of a name, a summary or a keyword, or synonyms of them, in any
            case and order. What begins alike is alike: ``certificates``, ``closing``.
        owner: whose faults they are; its words are true of each: ``slow proxy``.
    """
    ignored = STOP_WORDS.union(_words(owner))
    wanted = [word for word in _words(words) if word not in ignored]
    scores = [(_score(fault, wanted), fault) for fault in faults]
    found = [(score, fault) for score, fault in scores if score is not None]
    return tuple(fault for _, fault in sorted(found, key=lambda pair: -pair[0]))


def nearest(
    faults: Mapping[str, Fault], name: str, *, owner: str = "", most: int = 3
) -> list[Fault]:
    """What somebody may have meant by a name that no fault has.

    Args:
        faults: by their names.
        name: the name, or words that describe what was meant.
        owner: whose faults they are.
        most: how many at most.
    """
    misspelt = difflib.get_close_matches(name, faults, n=most, cutoff=0.85)
    described = search(faults.values(), name, owner=owner) if _words(name) else ()
    names = [*misspelt, *(fault.name for fault in described)]
    if not names:
        names = difflib.get_close_matches(name, faults, n=most)
    return [faults[each] for each in list(dict.fromkeys(names))[:most]]


def _words(text: str) -> tuple[str, ...]:
    """The words of a text; those of a name like ThrottlingException, too."""
    return tuple(
        part.lower()
        for chunk in _CHUNK.findall(TIME_OUT.sub("timeout", text))
        for part in _PART.findall(chunk)
    )


def _score(fault: Fault, wanted: list[str]) -> int | None:
    """How well the fault fits; None if a word is not found."""
    name, weights = _words(fault.name), list(_weights(fault))
    total = 0
    for word in wanted:
        best = max(
            _weight_of_phrase(phrase, name, weights) - (phrase != (word,))
            for phrase in _alternatives(word)
        )
        if best <= 0:
            return None
        total += best
    return total


def _weights(fault: Fault) -> Iterator[tuple[str, int]]:
    """The words by which a fault is found, and how much each means."""
    for word in _words(fault.name):
        yield word, _NAME
    # Who types throttlingexception does not split it.
    yield "".join(_words(fault.name)), _NAME
    for word in _words(" ".join(fault.keywords)):
        yield word, _KEYWORD
    for word in _words(fault.summary):
        yield word, _SUMMARY


def _alternatives(word: str) -> Iterator[tuple[str, ...]]:
    yield (word,)
    for key, synonyms in SYNONYMS.items():
        if _stem(key) == _stem(word):
            yield from map(_words, synonyms)


def _weight_of_phrase(
    phrase: tuple[str, ...], name: tuple[str, ...], weights: list[tuple[str, int]]
) -> int:
    if phrase == name:
        return _WHOLE_NAME
    return min(_weight_of_word(word, weights) for word in phrase)


def _weight_of_word(word: str, weights: list[tuple[str, int]]) -> int:
    stem = _stem(word)
    return max(
        (weight + (each == word) for each, weight in weights if each.startswith(stem)),
        default=0,
    )


def _stem(word: str) -> str:
    """A word without its ending: closes, closed, closing -> clos."""
    for ending, left in _ENDINGS.items():
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= left:
            # dropped, dropping -> drop
            return stem[:-1] if stem[-1] == stem[-2] else stem
    return word
