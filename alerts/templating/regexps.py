"""Go's regular expressions as templates use them: unanchored, and replacing as Go replaces."""

import re
from collections.abc import Iterator

from alerts.regexps import compiled
from alerts.templating.values import Failed, joined
from core.errors import Invalid

_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


def matches(pattern: str, text: str) -> bool:
    return _read(pattern).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Go's ReplaceAllString: no empty match right behind another, and `$1x` is the group named 1x."""
    return joined(_replaced(_read(pattern), replacement, text))


def _read(pattern: str) -> re.Pattern[str]:
    try:
        return compiled(pattern)
    except Invalid as error:
        raise Failed(error.sentence) from None


def _replaced(pattern: re.Pattern[str], replacement: str, text: str) -> Iterator[str]:
    at, last = 0, -1
    for match in pattern.finditer(text):
        if match.end() == match.start() == last:
            continue
        yield text[at : match.start()]
        yield _expanded(replacement, match)
        at = last = match.end()
    yield text[at:]


def _expanded(replacement: str, match: re.Match[str]) -> str:
    return _REFERENCE.sub(lambda found: "$" if found[1] else _group(match, found[2] or found[3]), replacement)


def _group(match: re.Match[str], name: str) -> str:
    if name.isdigit():
        return (match[int(name)] or "") if int(name[:6]) <= (match.re.groups or 0) else ""
    return (match[name] or "") if name in match.re.groupindex else ""
