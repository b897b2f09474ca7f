"""Slack's incoming webhook: one attachment in the colour of the worst alert, its alerts as sections.

Slack answers 200 with `ok`; a wrong address or a channel that was archived is 403, 404 or 410 with a word, and trying again does not
help. Its markup has three characters that must be escaped and nothing else; a section holds 3,000 characters.
"""

from collections.abc import Callable
from typing import Any

import httpx
import orjson

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Poster, host_of
from alerts.notify.channels.settings import secret_of
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message
from core.clock import Clock
from core.language import Language

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


class SlackChannel:
    kind = "slack"

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        language: Language = "en",
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        redact: Callable[[Any], Any] = lambda body: body,
        extra: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._language = language
        self._redact = redact
        self._extra = extra or {}
        self._poster = Poster(f"Slack at {host_of(url, 'api_url')}", clock, timeout, client)

    async def send(self, message: Message, *, key: str) -> str:  # noqa: ARG002 - an incoming webhook has no place for a key
        body = self._redact(self._extra | shown(letter(message, self._language)))
        return (await self._poster.post(self._url, orjson.dumps(body), {})).text or "ok"

    async def close(self) -> None:
        await self._poster.close()


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
        return SlackChannel(
            name,
            secret_of(written, shared, "api_url", default="slack_api_url"),
            clock=shared.clock,
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
            extra=extra,
        )


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
