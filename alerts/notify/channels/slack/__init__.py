"""Slack's incoming webhook: one attachment in the colour of the worst alert, its alerts as sections.

Slack answers 200 with `ok`; a wrong address or a channel that was archived is 403, 404 or 410 with a word, and trying again does not
help. Its markup has three characters that must be escaped and nothing else; a section holds 3,000 characters.
"""

from collections.abc import Mapping
from typing import Any

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import secret_of
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message

MAX_SECTION = 3_000
_COLOURS = {"critical": "#b3261e", "error": "#b3261e", "warning": "#e8a317", "info": "#3b6fb6"}
_CALM = "#2e7d4f"
_FIELDS = (
    "send_resolved",
    "api_url",
    "api_url_file",
    "channel",
    "username",
    "icon_emoji",
    "icon_url",
    "http_config",
    "language",
)


class SlackChannel(Posting):
    kind = "slack"
    product = "Slack"

    def __init__(self, name: str, url: str, *, extra: Mapping[str, str] | None = None, **usual: Any) -> None:
        super().__init__(name, url, **usual)
        self._extra = dict(extra or {})

    def content(self, message: Message) -> dict[str, Any]:
        return self._extra | shown(letter(message, self.language))

    def judged(self, answer: Answer) -> str:
        return answer.text or "ok"


class SlackBuilder:
    kind = "slack"
    sends_resolved = False

    def __call__(self, name: str, written: Written, shared: Shared) -> SlackChannel:
        expect_fields(written.values, _FIELDS, written.where)
        extra = {
            key: str(written.values[key])
            for key in ("channel", "username", "icon_emoji", "icon_url")
            if key in written.values
        }
        url = secret_of(written, shared, "api_url", default="slack_api_url")
        return SlackChannel(name, url, extra=extra, **usual(written, shared))


def shown(read: Letter) -> dict[str, Any]:
    head = f"*{escaped(read.title)}*" + (f"\n`{escaped(facts_line(read.shared))}`" if read.shared else "")
    sections = [head, *(_entry(entry) for entry in read.entries), *([read.more] if read.more else [])]
    colour = _COLOURS.get(read.severity, _COLOURS["warning"]) if read.status == "firing" else _CALM
    blocks: list[dict[str, Any]] = [_section(text) for text in sections]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(read.footer)}]})
    return {"text": escaped(read.title), "attachments": [{"color": colour, "fallback": read.title, "blocks": blocks}]}


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _entry(entry: Entry) -> str:
    link = f"<{entry.link}|→>" if entry.link.startswith(("http://", "https://")) and "|" not in entry.link else ""
    lines = [
        f"*{escaped(entry.summary)}* {link}".strip(),
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        f"_{entry.since}_",
    ]
    return "\n".join(line for line in lines if line)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_SECTION]}}
