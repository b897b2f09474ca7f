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

_SENSITIVE_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization)"
)
# "pull secret: create it with kubectl" is a sentence and not an assignment.
_PROSE = r"\s[a-z]{2,12}\s[a-z]{1,12}\b"
_PATTERNS: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"(?P<secret>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,10000}?-----END [A-Z ]{0,30}PRIVATE KEY-----)"
    ),
    re.compile(r"(?P<secret>\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
    re.compile(r"(?P<secret>\b(?:sk|fm|ghp|gho|ghs|glpat|xox[abprs])[-_][A-Za-z0-9_-]{16,})"),
    re.compile(r"(?P<secret>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"),
    re.compile(r"(?i)\bbearer\s+(?P<secret>[A-Za-z0-9._~+/-]{8,}=*)"),
    re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:(?P<secret>[^\s@/]{1,200})@"),
    re.compile(
        rf"(?i)(?<![<\w.-])[\w.-]{{0,40}}{_SENSITIVE_NAME}\b[\"']?\s{{0,3}}(?:=|:(?!{_PROSE}))\s{{0,3}}[\"']?(?P<secret>(?!<secret:)[^\s\"',;&]{{3,400}})"
    ),
)
_SENSITIVE_KEY = re.compile(rf"(?i)(?:^|[_.-])(?:[a-z]*{_SENSITIVE_NAME})$")
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
            return {key: self._field(str(key), item, depth) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, depth + 1) for item in value]
        return value

    def restore(self, text: str) -> str:
        return _PSEUDONYM.sub(lambda match: self._names.get(match.group(), match.group()), text)

    def _field(self, key: str, item: Any, depth: int) -> Any:
        if isinstance(item, str) and item and _SENSITIVE_KEY.search(key) and not _PSEUDONYM.fullmatch(item):
            return self._name(item)
        return self.value(item, depth + 1)

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
