"""What in a statement can be checked letter by letter: commands, flags, numbers with their units, names and kinds.

A command must stand in a page as it is said, but for blanks like `<ns>`, which may be filled in with a word of the question. A number
counts with its unit: 10 s is not 10 min, and 80 % is not 80.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.words import KINDS, NOT_NAMES

_SPAN = re.compile(r"`([^`\n]+)`")
_BINARY = (
    r"kubectl|helm|docker|crictl|ctr|nerdctl|systemctl|journalctl|etcdctl|redis-cli|psql|mysql|curl|wget|dig|nslookup|openssl|istioctl|"
    r"iptables|ip|ss|df|du|free|dmesg|rm|kill|pkill|reboot|sudo|cmctl|velero|aws|gcloud|az|terraform|ansible|kubeadm|nsenter|tcpdump|"
    r"jmap|jstack|jcmd|mount|umount|fsck|chmod|chown|sysctl|timedatectl|chronyc"
)
_TYPED = re.compile(
    rf"(?<![\w/`.-])(?:sudo\s+)?(?:{_BINARY})(?:\s+(?:-{{1,2}}[\w-]+(?:[= ][^\s,，。;；]+)?|[\w./:<>=@-]+)){{1,8}}"
)
_STARTS = re.compile(rf"^(?:\$\s*)?(?:sudo\s+)?(?:{_BINARY})\b(?=\s)|^[a-z]+(?:_[a-z]+)+\s+\w+=")
_FLAG = re.compile(r"(?<![\w-])(--[a-z][\w-]+|-[a-zA-Z](?=[\s=`,，。)]|$))")
_QUANTITY = re.compile(
    r"(?<![\w.:/<-])(\d+(?:[.,]\d+)*)\s*(%|percent|ms|milliseconds?|s\b|secs?\b|seconds?|min\b|mins\b|minutes?|h\b|hours?|d\b|days?|weeks?|"
    r"[KMGT]i?B?\b|m\b(?=\W|$)|秒|毫秒|分钟|小时|天|周|倍|个|次)?",
    re.IGNORECASE,
)
_UNITS = {
    "percent": "%", "milliseconds": "ms", "millisecond": "ms", "毫秒": "ms", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "秒": "s",
    "min": "min", "mins": "min", "minute": "min", "minutes": "min", "分钟": "min", "hour": "h", "hours": "h", "小时": "h",
    "day": "d", "days": "d", "天": "d", "week": "w", "weeks": "w", "周": "w", "个": "", "次": "", "倍": "",
}  # fmt: skip
_WORD_NUMBERS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "twelve": "12",
    "fifteen": "15", "twenty": "20", "thirty": "30", "forty": "40", "sixty": "60", "ninety": "90", "hundred": "100",
    "两": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9", "十五": "15", "二十": "20", "三十": "30", "四十": "40",
    "六十": "60", "九十": "90", "十": "10", "一百": "100",
}  # fmt: skip
_WORDED = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|sixty|ninety|hundred)\b"
    r"|(十五|二十|三十|四十|六十|九十|一百|[两三四五六七八九十])(?=\s*(?:秒|毫秒|分钟|小时|天|周|倍|次|个|份|台|分之))",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![\w/.`<-])([A-Za-z][\w]*(?:[-/_.][\w]+)+|[A-Za-z]+\d[\w-]*|[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+)(?![\w-])"
)
_KIND = re.compile(r"\b([A-Z][a-z]+(?:[A-Z][a-z]+)*)\b")
_KINDS = frozenset(KINDS.values())
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Claims:
    commands: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.commands, *self.flags, *self.numbers, *self.names)


def claims_in(text: str, *, is_code: bool = False) -> Claims:
    if is_code:
        return Claims(commands=(squeezed(text),))
    spans = [squeezed(span) for span in _SPAN.findall(text)]
    commands = [span for span in spans if _STARTS.search(span) or " " in span]
    quoted = [span for span in spans if span not in commands]
    plain = _SPAN.sub(" ` ", text)
    typed = [squeezed(found.group()) for found in _TYPED.finditer(plain) if _is_typed(found.group())]
    plain = _TYPED.sub(lambda found: " " if _is_typed(found.group()) else found.group(), plain)
    names = [*quoted, *(name.rstrip(".") for name in _NAME.findall(plain) if not _is_prose(name))]
    return Claims(
        tuple(dict.fromkeys([*commands, *typed])),
        tuple(dict.fromkeys(_FLAG.findall(plain))),
        tuple(dict.fromkeys(numbers_in(plain))),
        tuple(dict.fromkeys([*names, *_kinds(plain)])),
    )


def numbers_in(text: str) -> Iterable[str]:
    """Each as its digits and its unit in one spelling: `30min`, `80%`, `137`."""
    for digits, unit in _QUANTITY.findall(_WORDED.sub(lambda found: _WORD_NUMBERS[found.group().lower()], text)):
        yield digits.replace(",", "") + _unit(unit)


def has_number(number: str, written: frozenset[str]) -> bool:
    """With its unit; a number that is said without one may stand with one."""
    if number in written:
        return True
    bare = re.match(r"[\d.]+$", number) is not None
    return bare and any(re.fullmatch(rf"{re.escape(number)}\D*", each) for each in written)


def squeezed(text: str) -> str:
    return _SPACE.sub(" ", text).strip().removeprefix("$ ")


def is_verbatim(command: str, written: str, question: str) -> bool:
    """Whether the command stands there, blanks filled in at most with words of the question."""
    if _stands_in(command, written):
        return True
    words = {re.escape(word) for word in re.findall(r"[\w][\w./-]*", question) if len(word) > 1}
    if not words:
        return False
    # The page's blanks are what may differ: every other letter has to be the page's own.
    filled = "(?:<[^<>]{1,40}>|" + "|".join(sorted(words, key=len, reverse=True)) + ")"
    return any(
        re.fullmatch(re.sub(r"<[^<>]{1,40}>", lambda _: filled, re.escape(code).replace(r"\<", "<").replace(r"\>", ">")), command)
        for code in _codes(written)
        if "<" in code
    )  # fmt: skip


def _stands_in(command: str, written: str) -> bool:
    """As a whole, or as a whole part of a longer one: up to a pipe, a `&&` or a quotation mark, never up to the middle of an argument."""
    return re.search(rf"(?<![\w-]){re.escape(command)}(?=$|[`\n'\"),.;，。；]|\s*(?:\||&&|>|#|`))", written) is not None


def _codes(written: str) -> list[str]:
    return [squeezed(code) for code in _SPAN.findall(written)] + [squeezed(line) for line in written.splitlines()]


def _unit(unit: str) -> str:
    lowered = unit.lower()
    if lowered in _UNITS:
        return _UNITS[lowered]
    return unit if unit[:1] in "KMGT" else lowered


def _is_typed(text: str) -> bool:
    """Prose speaks of `kubectl`, too: a command has a flag, a blank or a verb that is one."""
    return re.search(
        r"\s-{1,2}\w|<\w+>|\b(?:delete|apply|edit|scale|patch|exec|drain|cordon|uncordon|rollout|restart|rollback|upgrade|stop|get|describe|logs|set|"
        r"label|annotate|create|replace|taint|run|install|uninstall|prune|rm|top|port-forward)\b\s+\S",
        text,
    ) is not None  # fmt: skip


def _is_prose(name: str) -> bool:
    if name.lower() in KINDS or name.lower() in {"e.g", "i.e", "and/or"}:
        return True
    humps = sum(1 for char in name if char.isupper()) > 1
    return not humps and all(part.lower() in NOT_NAMES or len(part) < 2 for part in re.split(r"[-/_.]", name) if part)


def _kinds(text: str) -> list[str]:
    return [
        word
        for word in _KIND.findall(text)
        if word in _KINDS and word not in {"Event", "Service", "Job", "Node", "Secret"}
    ]
