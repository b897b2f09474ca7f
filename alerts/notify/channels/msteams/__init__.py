"""Microsoft Teams: a card, through the older connectors (`msteams_configs`) or through a workflow (`msteamsv2_configs`).

A connector takes a MessageCard and answers 200 even to what it refuses, with its complaint as the body where there would be a 1; a
workflow takes an adaptive card and answers 202. A card holds 28 KB.
"""

from typing import Any

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.markdown import escaped, markdown, shortened
from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import expect, secret_of
from alerts.notify.letter import Letter, facts_line, letter
from alerts.notify.message import Message
from core.errors import Upstream

MAX_BYTES = 24_000
_COLOURS = {"critical": "B3261E", "error": "B3261E", "warning": "E8A317", "info": "3B6FB6"}
_FIELDS = ("webhook_url", "webhook_url_file", "title", "summary", "text")
_MOODS = {"critical": "attention", "error": "attention", "warning": "warning", "info": "accent"}


class TeamsChannel(Posting):
    kind = "msteams"
    product = "Microsoft Teams"

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        colour = _COLOURS.get(read.severity, _COLOURS["warning"]) if read.status == "firing" else "2E7D4F"
        return {
            "@type": "MessageCard",
            "@context": "https://schema.org/extensions",
            "themeColor": colour,
            "summary": read.title,
            "title": read.title,
            "text": markdown(read, MAX_BYTES),
        }

    def judged(self, answer: Answer) -> str:
        if "HTTP error 429" in answer.text:
            raise Upstream(self.system, "says that there were too many messages", retryable=True)
        if answer.text not in ("", "1"):
            raise Upstream(self.system, f"refused the message: {answer.text[:200]}", retryable=False)
        return "ok"


class WorkflowChannel(Posting):
    kind = "msteamsv2"
    product = "Microsoft Teams"

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": _blocks(read),
            "msteams": {"width": "Full"},
        }
        whole = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [whole]}


class TeamsBuilder:
    sends_resolved = True

    def __init__(self, channel: type[TeamsChannel] | type[WorkflowChannel]) -> None:
        self.kind = channel.kind
        self._channel = channel

    def __call__(self, name: str, written: Written, shared: Shared) -> TeamsChannel | WorkflowChannel:
        expect(written, *_FIELDS)
        return self._channel(name, secret_of(written, shared, "webhook_url"), **usual(written, shared))


def _blocks(read: Letter) -> list[dict[str, Any]]:
    mood = _MOODS.get(read.severity, "warning") if read.status == "firing" else "good"
    head = {"type": "TextBlock", "text": escaped(read.title), "weight": "bolder", "size": "large", "color": mood}
    texts = [escaped(facts_line(read.shared))]
    for entry in read.entries:
        lines = [
            f"**{escaped(entry.summary)}**",
            escaped(entry.description),
            escaped(facts_line(entry.facts)),
            entry.since,
        ]
        texts.append("\n\n".join(line for line in lines if line))
    texts = [*texts, read.more, read.footer] if read.body is None else [shortened(read.body, MAX_BYTES)]
    return [{**head, "wrap": True}, *({"type": "TextBlock", "text": text, "wrap": True} for text in texts if text)]
