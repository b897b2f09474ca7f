"""Whether one of our own sentences says more than it stands on, by the rule that a model's sentences are held to.

For numbers the rule is the very one of the agent's answers: rounded as far as the sentence's own digits go, a percentage for a ratio.
Every word counts, because the words that our own sentences' authors chose are known: whatever else is in them was put in.
"""

import re
from collections.abc import Collection, Iterator

from agent.answer import Read

_WORD = re.compile(r"[A-Za-z]+")
_CLAIM = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?%?")


def known(*texts: str) -> Read:
    return Read({"read": "\n".join(texts)}, "")


def words_of(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def unsupported(sentence: str, read: Read, own: Collection[str]) -> list[str]:
    """The numbers and words of a sentence that neither occur in what it stands on nor are its author's `own`."""
    return list(dict.fromkeys(_not_in(read, {*own, *words_of(read.text)}, _CLAIM.findall(sentence))))


def _not_in(read: Read, words: Collection[str], claims: list[str]) -> Iterator[str]:
    for claim in claims:
        if claim[0].isdigit():
            if not read.has_number(claim.rstrip("%"), claim.endswith("%")):
                yield claim
        elif claim.lower() not in words:
            yield claim
