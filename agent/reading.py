"""What a question asks for, read without a model: intent, objects, namespace, window and pasted PromQL, in Chinese and English.

Operators write short questions around exact names, so words decide: a closed list of verbs and nouns per intent, and every word of Latin
letters that is in no dictionary here and has the shape of an object name is one. A pronoun ("its", "它") or a question without any
object goes back to the object of the turn before. Nothing here knows any estate: names are recognised by shape and position alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent.words import ACKNOWLEDGE, INTENTS, KINDS, MAYBE_NAMES, MEASURES, NEGATED, NOT_NAMES, PRONOUNS, UNIT_LETTER

_NAME = r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?"
_TOKEN = re.compile(rf"(?<![\w./-])(?:(?P<left>{_NAME})/)?(?P<name>{_NAME})(?![\w/-])")
_NAMESPACE = (
    re.compile(rf"(?<![a-z0-9-])(?:namespaces?|ns)\s*[:=]?\s*[\"'`]?(?P<name>{_NAME})"),
    re.compile(rf"(?P<name>{_NAME})[\"'`]?\s+(?:namespace|ns)\b"),
    re.compile(rf"(?:^|\s)-n\s+(?P<name>{_NAME})"),
    re.compile(rf"命名空间\s*[:：]?\s*[\"'`“]?(?P<name>{_NAME})"),
    re.compile(rf"(?P<name>{_NAME})[\"'`”]?\s*(?:这个)?(?:命名空间|名字空间)"),
)
_INSIDE = (
    re.compile(rf"\b(?:in|inside|within|of)\s+(?:the\s+)?[\"'`]?(?P<name>{_NAME})"),
    re.compile(rf"(?P<name>{_NAME})[\"'`”]?\s*(?:里|中|下|内)(?:面|边)?"),
)
_FINGERPRINT = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16}\b")
_QUANTILE = re.compile(r"\bp(?P<p>\d{2,3})\b|\b(?P<th>\d{2})th percentile\b")
_OF_ALL = re.compile(
    r"\bwhat(?:'s| is| are) (?:the|our|my) (?:current |total |overall )?|(?:现在|当前|目前|整体|总)的?\s*"
)
_WINDOW = re.compile(
    r"(?:last|past|previous|最近|过去|近|前)\s*(?:the\s+)?(?P<count>\d{1,4}|an?|one|一|半)?\s*(?:个)?\s*"
    r"(?P<unit>s|m|h|d|w|sec\w*|min\w*|hours?|hrs?|days?|weeks?|秒|分钟|分|小时|钟头|天|日|周|星期)(?![a-z])"
)
_CODE = re.compile(r"`([^`]{3,2000})`")
_PROMQL = re.compile(
    r"[a-zA-Z_:][\w:]*\s*(?:\{[^{}]*\}|(?:\s*by\s*\([^)]*\)\s*)?\()|[a-zA-Z_:][\w:]*_(?:total|count|sum|bucket|bytes|seconds|ratio)\b"
)
_QUOTED = re.compile(rf"[\"'`“‘「『](?P<name>{_NAME})[\"'`”’」』]")
_VERB_NEXT = re.compile(
    r"(?:\b(?:and|or|then|please|also|just|not|never|i|we|you|they|he|she|don't|can't|let's|"
    r"(?:how|what|where|when|want|need|needs|like|able|try|trying|going|supposed|used|have|has|me|you|us|is|order) to))\s+$"
)
"""What stands before a verb: an unshaped word right after it is no object's name."""
_SUBJECT = r"\b(?:of|for|in|on|by|from|does|do|is|has)\s+(?:the\s+)?[\"'`]?{name}(?![\w-])|(?<![\w-]){name}[\"'`”]?(?:'s\b|\s*的)"
_HOW = re.compile(
    r"\bhow (?:to|do i|do we|can i|can we|should)\b|\bmean\b|怎么(?!样)|如何|什么是|是什么意思|为什么|为何|原因"
)
ACKNOWLEDGE_CHARS = 300
_HAN = re.compile(r"[\u4e00-\u9fff，。？！；：、]")


@dataclass(frozen=True, slots=True)
class Reading:
    intents: frozenset[str]
    kind: str = ""
    name: str = ""
    namespace: str = ""
    alert: str = ""
    window: str = ""
    expr: str = ""
    measure: str = ""
    sure: bool = False
    """The name has a name's shape or stands beside its kind; other names are words that no dictionary here knows."""
    follows: bool = False
    """It speaks of the object of the turn before."""
    placed: bool = False
    """The namespace was called one, or written before a slash; other places are guessed from "in X"."""
    quantile: str = ""

    def wants(self, *intents: str) -> bool:
        return not self.intents.isdisjoint(intents)


def read(question: str, focus: Mapping[str, str] | None = None) -> Reading:
    focus = focus or {}
    expr = promql(question)
    plain = question.replace(expr, " ") if expr else question
    lowered = plain.lower()
    measure = _measure(lowered)
    intents = _intents(lowered, measure)
    alert = _first(_FINGERPRINT, lowered)
    lowered = _FINGERPRINT.sub(" ", lowered)
    namespace = _namespace(lowered)
    left, name = _object(lowered, namespace)
    placed = bool(namespace or left)
    namespace = namespace or left
    if not namespace and name:
        namespace, name = _inside(lowered, name, intents)
    read = Reading(
        intents | ({"promql"} if expr else set()),
        kind=_kind(lowered),
        name=name,
        namespace=namespace,
        alert=alert,
        window=window(lowered),
        expr=expr,
        measure=measure,
        sure=bool(left) or (bool(name) and _is_surely(lowered, name)),
        placed=placed,
        quantile=_quantile(lowered),
    )
    found = _with_focus(read, lowered, focus)
    return replace(found, intents=found.intents | {"value"}) if _asks_value(found, lowered) else found


def acknowledges(question: str) -> bool:
    """Whether the person's own words ask to take an alert: short, and the wish at their very beginning."""
    plain = question.strip().lower()
    return len(plain) <= ACKNOWLEDGE_CHARS and ACKNOWLEDGE.match(plain) is not None


def declines_repair(question: str) -> bool:
    return NEGATED.search(question.lower()) is not None


def looks_like_name(name: str) -> bool:
    return "-" in name or any(char.isdigit() for char in name)


def promql(question: str) -> str:
    """PromQL that was pasted into the question, or nothing."""
    for code in _CODE.findall(question):
        if _PROMQL.search(code):
            return str(code).strip()
    found = _PROMQL.search(question)
    if found is None:
        return ""
    rest = _HAN.split(question[found.start() :], maxsplit=1)[0]
    return _balanced(rest)


def window(text: str) -> str:
    """The span that a question names ("last 2 hours", "最近30分钟"), as Prometheus writes it."""
    found = _WINDOW.search(text)
    if found is None:
        return ""
    count = found["count"] or "1"
    letter = UNIT_LETTER[found["unit"][0] if found["unit"][0].isascii() else found["unit"]]
    if count == "半":
        return {"h": "30m", "d": "12h"}.get(letter, f"1{letter}")
    return f"{count if count.isdigit() else 1}{letter}"


def _balanced(text: str) -> str:
    """The expression up to where its brackets close and no operator goes on."""
    depth, end = 0, 0
    for index, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            end = index + 1
        if depth < 0:
            return text[:index].strip()
    if depth != 0:
        return text.strip()
    tail = re.match(r"\s*(?:(?:by|without)\s*\([^)]*\)\s*)?(?:(?:[<>=!]=?|[-+*/%])\s*[-\d.e]+|\[[^\]]*\])?", text[end:])
    return (text[:end] + (tail.group() if tail else "")).strip() if end else text.split()[0].strip("?.,;")


def _namespace(text: str) -> str:
    for pattern in _NAMESPACE:
        for found in pattern.finditer(text):
            if _may_be_name(found["name"]):
                return found["name"]
    return ""


def _object(text: str, namespace: str) -> tuple[str, str]:
    """The object's name, with the namespace when it was written as namespace/name."""
    quoted = {match["name"] for match in _QUOTED.finditer(text)}
    found = [
        match
        for match in _TOKEN.finditer(text)
        if match["name"] != namespace and (match["name"] in quoted or _may_stand_as_name(text, match))
    ]
    for match in found:
        if match["left"] and _may_be_name(match["left"]) and match["left"] not in KINDS:
            return match["left"], match["name"]
    names = [match["name"] for match in found]
    beside = [name for name in names if _is_beside_kind(text, name)]
    shaped = [name for name in names if looks_like_name(name)]
    return "", next(iter([*[name for name in names if name in quoted], *beside, *shaped, *names]), "")


def _may_stand_as_name(text: str, match: re.Match[str]) -> bool:
    name = match["name"]
    if name in MAYBE_NAMES or (name.endswith("ly") and not looks_like_name(name)):  # an adverb, as a rule
        return bool(match["left"]) or _is_beside_kind(text, name) or text[match.end() :].lstrip().startswith("的")
    return _may_be_name(name) and (bool(match["left"]) or not _is_verb(text, match))


def _is_verb(text: str, match: re.Match[str]) -> bool:
    return not looks_like_name(match["name"]) and _VERB_NEXT.search(text[: match.start()]) is not None


def _is_surely(text: str, name: str) -> bool:
    quoted = any(found["name"] == name for found in _QUOTED.finditer(text))
    escaped = re.escape(name)
    owner = re.search(rf"(?<![\w-]){escaped}\s*(?:的|日志)|\blogs? (?:of|for|from) (?:the )?{escaped}(?![\w-])", text)
    return looks_like_name(name) or quoted or owner is not None or _is_beside_kind(text, name)


def _intents(text: str, measure: str) -> frozenset[str]:
    """What is wanted; a repair that is expressly not wanted, and the error of "error rate", do not count."""
    plain = NEGATED.sub(" ", text)
    if measure == "errors":
        plain = MEASURES["errors"].sub(" ", plain)
    found = {name for name, pattern in INTENTS.items() if pattern.search(plain)}
    return frozenset(found | ({"metrics"} if measure == "errors" else set()))


def _asks_value(read: Reading, text: str) -> bool:
    """Whether a number is wanted, of something that was named: "the p95 latency of X", "X 的错误率"."""
    if not read.measure or read.expr or read.wants("fix", "logs") or _HOW.search(text):
        return False
    if not (read.name or read.namespace):
        found = _OF_ALL.search(text)
        return found is not None and MEASURES[read.measure].match(text, found.end()) is not None
    if read.sure or read.placed or read.follows:
        return not read.wants("why")
    name = re.escape(read.name or read.namespace)
    before_measure = any(re.search(rf"(?<![\w-]){name}\s*(?:{pattern.pattern})", text) for pattern in MEASURES.values())
    return not read.wants("why") and (before_measure or re.search(_SUBJECT.format(name=name), text) is not None)


def _inside(text: str, name: str, intents: frozenset[str]) -> tuple[str, str]:
    """In "pods in X" and "X 里" the name is a place; in "logs of X" it is the object."""
    places = [found["name"] for pattern in _INSIDE for found in pattern.finditer(text) if _may_be_name(found["name"])]
    others = [place for place in places if place != name]
    if others:
        return others[0], name
    is_place = (
        bool(places)
        and not intents & {"logs"}
        and re.search(
            rf"\b(?:in|inside|within)\s+(?:the\s+)?{re.escape(name)}\b|{re.escape(name)}\s*(?:里|中|下|内)", text
        )
    )
    return (name, "") if is_place else ("", name)


def _is_beside_kind(text: str, name: str) -> bool:
    escaped = re.escape(name)
    words = "|".join(re.escape(word) for word in KINDS)
    return (
        re.search(
            rf"(?:\b|(?<=[\u4e00-\u9fff]))(?:{words})\s*[/:]?\s*{escaped}(?![\w-])|(?<![\w-]){escaped}\s*(?:的\s*)?(?:{words})",
            text,
        )
        is not None
    )


def _may_be_name(word: str) -> bool:
    return (
        len(word) > 1
        and word not in NOT_NAMES
        and word not in KINDS
        and not re.fullmatch(r"[\d.]+(?:[smhdw%]|ms|mi|gi|am|pm|st|nd|rd|th)?", word)
    )


def _kind(text: str) -> str:
    best = ""
    for word, kind in KINDS.items():
        pattern = rf"\b{word}\b" if word.isascii() else re.escape(word)
        if re.search(pattern, text) and (not best or kind != "Service"):
            best = kind
    return best


def _measure(text: str) -> str:
    return next((name for name, pattern in MEASURES.items() if pattern.search(text)), "")


def _quantile(text: str) -> str:
    found = _QUANTILE.search(text)
    return (found["p"] or found["th"]) if found else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group() if found else ""


def _with_focus(read: Reading, text: str, focus: Mapping[str, str]) -> Reading:
    """Fill what the question leaves out from the turn before, if it speaks of the same thing."""
    pronoun = PRONOUNS.search(text) is not None
    bare = not (read.name or read.namespace or read.alert or read.expr)
    general = read.wants("overview", "howto", "alerts", "list") and not pronoun and not read.wants("logs")
    if not focus or not (pronoun or (bare and not general)) or read.expr:
        return read
    same_place = not read.namespace or read.namespace == focus.get("namespace")
    if not same_place or (read.name and not pronoun):
        return read
    keeps_name = not read.name and not (read.namespace and not pronoun)
    return replace(
        read,
        kind=read.kind or focus.get("kind", ""),
        name=read.name or (focus.get("name", "") if keeps_name else ""),
        namespace=read.namespace or focus.get("namespace", ""),
        alert=read.alert or focus.get("alert", ""),
        sure=True,
        follows=True,
    )
