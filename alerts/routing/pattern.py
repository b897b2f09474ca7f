"""Regular expressions as Alertmanager has them: anchored at both ends, and linear in time.

Its engine cannot look around, refer back or backtrack for ever; Python's can, and an expression typed into a silence must not stop the
watch. So what that engine does not know is refused, and so is a repetition without bound inside another one, which is where Python takes
exponential time. Both are told as sentences when the expression is read, not found out when an alert comes in.
"""

import re
from functools import lru_cache

from core.errors import Invalid

MAX_PATTERN = 4096
_REFUSED = (
    (re.compile(r"\(\?(?:[=!]|<[=!]|>|\()"), "looking around and atomic groups are not supported"),
    (re.compile(r"\\[1-9]|\(\?P=|\\k<"), "referring back to a group is not supported"),
    (re.compile(r"[*+?}]\+"), "possessive repetition is not supported"),
)
_HEAD = re.compile(r"^\?(?::|P?<\w+>|[a-zA-Z]+:)")
_OFTEN = re.compile(r"[*+]|\{\d*,\}|\{(?:\d+,)?(?:9|\d{2,})\}")
_OPTIONAL = re.compile(r"(?<!\()\?|\{\d*,\d*\}")
_UNBOUNDED = re.compile(r"[*+]|\{\d+,\}")


@lru_cache(maxsize=4096)
def anchored(source: str) -> re.Pattern[str]:
    if len(source) > MAX_PATTERN:
        raise Invalid(f"A regular expression is longer than {MAX_PATTERN} characters.", field="matchers")
    bare = _without_literals(source)
    for shape, why in _REFUSED:
        if shape.search(bare):
            raise Invalid(f"The regular expression {source!r} cannot be used: {why}.", field="matchers")
    if _repeats_within_repeats(bare):
        raise Invalid(
            f"The regular expression {source!r} cannot be used: a repetition without bound inside another takes too long.",
            field="matchers",
        )
    if _chooses_within_repeats(bare):
        raise Invalid(
            f"The regular expression {source!r} cannot be used: a choice inside a repetition, of things that begin alike, takes too long.",
            field="matchers",
        )
    try:
        return re.compile(f"^(?:{source})\\Z", re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise Invalid(f"The regular expression {source!r} is not valid: {error}.", field="matchers") from None


def _without_literals(source: str) -> str:
    """What classes and escapes stand for is one character; only references back are left as they are."""
    classes_gone = re.sub(r"\\[^1-9k]|\\\\", "\0", source)
    return re.sub(r"\[\^?\]?[^\]]*\]", "\0", classes_gone)


def _repeats_within_repeats(bare: str) -> bool:
    open_groups: list[bool] = [False]
    at = 0
    while at < len(bare):
        if bare[at] == "(":
            open_groups.append(False)
        elif bare[at] == ")" and len(open_groups) > 1:
            inner = open_groups.pop()
            if inner and _UNBOUNDED.match(bare, at + 1):
                return True
            open_groups[-1] |= inner
        elif _UNBOUNDED.match(bare, at):
            open_groups[-1] = True
        at += 1
    return False


def _chooses_within_repeats(bare: str) -> bool:
    """Whether a group that may be repeated often can take one text in several ways: that doubles the ways with each repetition."""
    begun: list[int] = []
    for at, char in enumerate(bare):
        if char == "(":
            begun.append(at)
        elif char == ")" and begun:
            inner = _HEAD.sub("", bare[begun.pop() + 1 : at])
            if _OFTEN.match(bare, at + 1) and not _is_one_way(inner):
                return True
    return False


def _is_one_way(inner: str) -> bool:
    alternatives = inner.split("|")
    if _OPTIONAL.search(inner):
        return False
    firsts = [alternative[:1].lower() for alternative in alternatives]
    return len(firsts) == 1 or (len(set(firsts)) == len(firsts) and not {"", "\0", ".", "(", "^", "$"} & set(firsts))
