"""The one choke point between what systems say and what leaves towards a model, a log or a chat.

Known shapes of secrets (private keys, bearer and cloud tokens, passwords in URLs and assignments) are replaced by pseudonyms such
as ``<secret:3f9a1c>``. A pseudonym is a keyed hash of the value: the same secret gets the same name everywhere, so two log lines
that carry one token can still be seen to agree, and nothing can be computed back from the text. The process that made a pseudonym
can reverse it (`restore`), from a bounded memory that is never written down.
"""

import re
from collections import OrderedDict
from typing import Any

from core.secrets import fingerprint

MAX_REMEMBERED = 5_000
MAX_DEPTH = 40

_WORDS = (
    r"(?:pass(?:word|wd|phrase)?s?|pwd|secrets?|secret[_-]?key|tokens?|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?"
    r"|credentials?|authorization)"
)
# A name may lead and trail: DB_PASSWORD, db.password.prod, "api-key-2".
_NAMED = rf"(?<![<\w.-])[\w.-]{{0,40}}{_WORDS}(?:[._-]\w{{1,20}})?[\"']?"
_PATTERNS: tuple[re.Pattern[str], ...] = (
    # The body may not hold another beginning: otherwise a text of beginnings alone would be searched again from each.
    re.compile(
        r"(?P<secret>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S]){0,10000}?-----END [A-Z ]{0,30}PRIVATE KEY-----)"
    ),
    re.compile(r"(?P<secret>\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
    re.compile(
        r"(?P<secret>\b(?:sk|fm|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abeprs]|hf|npm)[-_][A-Za-z0-9_-]{16,})"
    ),
    re.compile(r"(?P<secret>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<secret>(?!<secret:)[A-Za-z0-9._~+/-]{8,}=*)"),
    re.compile(r"(?i)\b(?:set-)?cookie[\"']?\s?[:=]\s?(?P<secret>(?!<secret:)[^\r\n\"']{4,2000})"),
    re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:(?P<secret>(?!<secret:)[^\s/]{1,200})@"),
    re.compile(r"(?i)/(?:services|hook|webhook|robot/send)/(?P<secret>(?!<secret:)[A-Za-z0-9_/-]{16,})"),
    re.compile(rf"(?i)\s--?[\w-]{{0,30}}{_WORDS}[ =](?P<secret>(?!<secret:)[^\s\"']{{3,400}})"),
    re.compile(
        rf"(?i){_NAMED}\s{{0,3}}[=:]\s{{0,3}}(?P<quote>[\"'])(?P<secret>(?!<secret:)[^\"'\r\n]{{3,400}})(?P=quote)"
    ),
    re.compile(rf"(?i){_NAMED}\s{{0,3}}[=:]\s{{0,3}}(?P<secret>(?!<secret:|(?:basic|bearer)\s)[^\s\"';&]{{3,400}})"),
)
_SENSITIVE_KEY = re.compile(rf"(?i)(?:^|[_.-])(?:[a-z]*{_WORDS})$")
# Under these names whatever is nested is secret too; under `secret` Kubernetes keeps references, which must stay readable.
_SENSITIVE_TREE = re.compile(r"(?i)(?:^|[_.-])(?:pass(?:word|wd)s?|credentials?|tokens|api[_-]?keys?)$")
_PSEUDONYM = re.compile(r"<secret:[0-9a-f]{12}>")


class Redactor:
    def __init__(self, key: str) -> None:
        self._key = key
        self._names: OrderedDict[str, str] = OrderedDict()

    def text(self, text: str) -> str:
        for pattern in _PATTERNS:
            text = pattern.sub(self._replace, text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with every secret replaced: by its shape in text, by its key's name in objects."""
        if depth > MAX_DEPTH:
            return "<too deep>"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            pair = _is_secret_pair(value)
            return {
                key: self._field("password" if pair and key == "value" else str(key), item, depth)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item, depth + 1) for item in value]
        return value

    def restore(self, text: str) -> str:
        return _PSEUDONYM.sub(lambda match: self._names.get(match.group(), match.group()), text)

    def _field(self, key: str, item: Any, depth: int) -> Any:
        if isinstance(item, str) and item and _SENSITIVE_KEY.search(key) and not _PSEUDONYM.fullmatch(item):
            return self._name(item)
        if isinstance(item, (dict, list)) and _SENSITIVE_TREE.search(key):
            return self._leaves(item, depth + 1)
        return self.value(item, depth + 1)

    def _leaves(self, item: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return "<too deep>"
        if isinstance(item, dict):
            return {key: self._leaves(inner, depth + 1) for key, inner in item.items()}
        if isinstance(item, list):
            return [self._leaves(inner, depth + 1) for inner in item]
        return self._name(item) if isinstance(item, str) and item and not _PSEUDONYM.fullmatch(item) else item

    def _replace(self, match: re.Match[str]) -> str:
        secret = match.group("secret")
        start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
        whole = match.group()
        return whole[:start] + self._name(secret) + whole[end:]

    def _name(self, secret: str) -> str:
        name = f"<secret:{fingerprint(self._key, secret)[:12]}>"
        self._names[name] = secret
        self._names.move_to_end(name)
        if len(self._names) > MAX_REMEMBERED:
            self._names.popitem(last=False)
        return name


def _is_secret_pair(value: dict[str, Any]) -> bool:
    """An environment entry as Kubernetes writes it: {"name": "DB_PASSWORD", "value": "..."}."""
    name = value.get("name")
    return isinstance(name, str) and isinstance(value.get("value"), str) and bool(_SENSITIVE_KEY.search(name))
