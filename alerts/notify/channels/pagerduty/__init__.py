"""PagerDuty's Events API, version 2: a group of alerts is one event that is triggered, told again and resolved.

The event's `dedup_key` is a hash of the group's key, so a repeat does not open a second incident and an end closes the first; a message
that was sent twice changes nothing. PagerDuty answers 202 when it has taken an event, 429 when there were too many, 400 when an event
or its key is wrong. A summary holds 1,024 characters, a whole event 512 KB.
"""

from typing import Any

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Answer
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import dedup_key, expect, plain, secret_of
from alerts.notify.letter import facts_line, letter
from alerts.notify.message import Message
from core.errors import Invalid

ADDRESS = "https://events.pagerduty.com/v2/enqueue"
MAX_SUMMARY = 1_024
SEVERITIES = ("critical", "error", "warning", "info")
_FIELDS = (
    "routing_key",
    "routing_key_file",
    "service_key",
    "service_key_file",
    "url",
    "client",
    "client_url",
    "description",
    "severity",
    "details",
    "images",
    "links",
    "source",
    "class",
    "component",
    "group",
)


class PagerDutyChannel(Posting):
    kind = "pagerduty"
    product = "PagerDuty"

    def __init__(
        self, name: str, url: str = ADDRESS, *, routing_key: str, said: dict[str, str] | None = None, **usual: Any
    ) -> None:
        """`said` are fields of an event that the file gives for good."""
        super().__init__(name, url, **usual)
        self._routing_key = routing_key
        self._said = said or {}

    def content(self, message: Message) -> dict[str, Any]:
        event = {
            "event_action": "trigger" if message.status == "firing" else "resolve",
            "dedup_key": dedup_key(message.group_key),
        }
        return {**event, **self._opening(message)} if message.status == "firing" else event

    def sealed(self, content: dict[str, Any], key: str) -> dict[str, Any]:  # noqa: ARG002 - the dedup_key is the group's
        return {"routing_key": self._routing_key, **content}

    def judged(self, answer: Answer) -> str:  # noqa: ARG002 - 2xx is all it says
        return "accepted"

    def _opening(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        said = self._said
        payload: dict[str, Any] = {
            "summary": read.title[:MAX_SUMMARY],
            "source": said.get("source") or message.external_url or "firstmate",
            "severity": said.get("severity") or (read.severity if read.severity in SEVERITIES else "error"),
            "custom_details": {
                "firing": [_line(entry.summary, entry.facts) for entry in read.entries if entry.status == "firing"],
                "labels": message.common_labels,
                "count": len(message.items) + message.truncated,
            },
            **{name: said[name] for name in ("class", "component", "group") if said.get(name)},
        }
        links = [{"href": entry.link, "text": entry.summary[:200]} for entry in read.entries if entry.link]
        client = {"client": said.get("client") or "Firstmate", "client_url": said.get("client_url") or read.link}
        return {"payload": payload, **{name: value for name, value in client.items() if value}, "links": links}


class PagerDutyBuilder:
    kind = "pagerduty"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> PagerDutyChannel:
        expect(written, *_FIELDS)
        if written.values.get("service_key") or written.values.get("service_key_file"):
            raise Invalid(
                f"{written.where} service_key is of PagerDuty's first API; add an integration of Events API v2 to the service and"
                " write its key as routing_key.",
                field="service_key",
            )
        fields = ("severity", "source", "class", "component", "group", "client", "client_url")
        said = {each: plain(written, each) for each in fields}
        if said["severity"] and said["severity"] not in SEVERITIES:
            raise Invalid(
                f"{written.where} severity must be critical, error, warning or info.",
                field="severity",
                allowed=SEVERITIES,
            )
        url = plain(written, "url", ADDRESS, "pagerduty_url")
        key = secret_of(written, shared, "routing_key")
        return PagerDutyChannel(name, url, routing_key=key, said=said, **usual(written, shared))


def _line(summary: str, facts: tuple[tuple[str, str], ...]) -> str:
    return f"{summary} ({facts_line(facts)})" if facts else summary
