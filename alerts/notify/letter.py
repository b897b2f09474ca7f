"""A message as a person reads it on a phone at night: what, where, how bad, since when, and the way to more. The same for every vendor.

Vendors differ in their markup and not in what is worth saying, so this says it once, in the reader's language, and they only dress it. What
all alerts of a message share stands above once; each alert then shows what is its own. Long lists are cut with a count: nobody scrolls
through two hundred pods on a phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.model import REASONS
from alerts.notify.message import Item, Message
from core.language import Language, pick

MAX_ENTRIES = 10
MAX_TEXT = 600
_HIDDEN = frozenset({"alertname", "severity", "notification_channels"})
_WORST_FIRST = ("critical", "error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert."""

    status: str
    severity: str
    summary: str
    description: str
    facts: tuple[tuple[str, str], ...]
    since: str
    link: str


@dataclass(frozen=True, slots=True)
class Letter:
    title: str
    status: str
    severity: str
    shared: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]
    more: str
    link: str
    footer: str
    body: str | None = None
    """The user's own words in place of all that stands below the title."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What else of the message is in the user's words, for vendors that have more than a title and a text."""

    def middle(self) -> str:
        """What stands between title and footer, for vendors that have places of their own for those."""
        return self.plain().removeprefix(self.title).removesuffix(self.footer).strip()

    def text(self) -> str:
        """In the user's words alone, where there are any."""
        return self.plain() if self.body is None else self.body

    def plain(self) -> str:
        """For whoever shows no markup: a mail without HTML, a text message."""
        if self.body is not None:
            return f"{self.title}\n\n{self.body}".strip()
        lines = [self.title]
        if self.shared:
            lines.append(facts_line(self.shared))
        for entry in self.entries:
            lines += ["", f"• {entry.summary}", *([f"  {entry.description}"] if entry.description else [])]
            lines.append("  " + " · ".join(part for part in (facts_line(entry.facts), entry.since, entry.link) if part))
        return "\n".join([*lines, *(["", self.more] if self.more else []), "", self.footer]).strip()


def letter(message: Message, language: Language) -> Letter:
    shown = sorted(message.items, key=lambda item: item.status != message.status)[:MAX_ENTRIES]
    words = message.said.fields
    left = len(message.items) - len(shown) + message.truncated
    shared = {name: value for name, value in message.common_labels.items() if name not in _HIDDEN}
    return Letter(
        title=words.get("title") or message.line(language),
        status=message.status,
        severity=_worst(message),
        shared=tuple(sorted(shared.items())),
        entries=tuple(_entry(item, message, language) for item in shown),
        more=pick(language, f"and {left} more", f"另有 {left} 条") if left else "",
        link=message.external_url,
        footer=_footer(message, language),
        body=words.get("text"),
        words=words,
    )


def _footer(message: Message, language: Language) -> str:
    """Our own, and why it is not in the user's words if that was wanted."""
    usual = pick(language, "Firstmate: ask why, and what to do", "Firstmate：可追问原因与处置")
    if not message.said.failure:
        return usual
    said = pick(language, "the template failed, so this is the standard text", "模板渲染失败，以下为标准文本")
    return f"{usual} · {said}: {message.said.failure}"


def facts_line(facts: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{name}={value}" for name, value in facts)


def _entry(item: Item, message: Message, language: Language) -> Entry:
    own = {
        name: value for name, value in item.labels.items() if name not in _HIDDEN and name not in message.common_labels
    }
    began = item.starts_at[:19].replace("T", " ")
    since = pick(language, f"since {began} UTC", f"自 {began} UTC")
    if item.status != "firing":
        ended = item.ends_at[:19].replace("T", " ")
        since = pick(language, f"{began} to {ended} UTC", f"{began} 至 {ended} UTC") + _ending(item, language)
    return Entry(
        status=item.status,
        severity=item.labels.get("severity", ""),
        summary=_cut(
            item.text("summary", language) or item.text("message", language) or item.labels.get("alertname", "")
        ),
        description=_cut(item.text("description", language)),
        facts=tuple(sorted(own.items())),
        since=since,
        link=item.generator_url,
    )


def _ending(item: Item, language: Language) -> str:
    """Why it ended, where nobody saw it end."""
    said = REASONS.get(item.ended_because)
    return pick(language, f"; ended: {said('en')}", f"；结束原因：{said('zh')}") if said else ""


def _worst(message: Message) -> str:
    found = {item.labels.get("severity", "") for item in message.items}
    return next((severity for severity in _WORST_FIRST if severity in found), "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
