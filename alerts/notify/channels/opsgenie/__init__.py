"""Opsgenie: a group of alerts is one of its alerts, opened and closed by an alias made of the group's key.

An open alert with the same alias takes a repeat as a count, so a message that was sent twice opens nothing new. Opsgenie answers 202;
401, 403 and 422 are its last word, 429 is not. A message holds 130 characters.
"""

from typing import Any

from alerts.fields import listed, mapping
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import dedup_key, expect, plain, secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message

ADDRESS = "https://api.opsgenie.com/"
MAX_MESSAGE = 130
MAX_DESCRIPTION = 15_000
_PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
_FIELDS = (
    "api_key",
    "api_key_file",
    "api_url",
    "message",
    "description",
    "source",
    "details",
    "responders",
    "tags",
    "note",
    "priority",
    "update_alerts",
    "entity",
    "actions",
)


class OpsgenieChannel(Posting):
    kind = "opsgenie"
    product = "Opsgenie"

    def __init__(
        self,
        name: str,
        url: str = ADDRESS,
        *,
        api_key: str,
        said: dict[str, str] | None = None,
        responders: list[dict[str, Any]] | None = None,
        **usual: Any,
    ) -> None:
        super().__init__(name, url, **usual)
        self._api_key = api_key
        self._said = said or {}
        self._responders = responders or []

    def content(self, message: Message) -> dict[str, Any]:
        source = {"source": self._said.get("source") or "Firstmate"}
        if message.status != "firing":
            return source
        read = letter(message, self.language)
        tags = self._said.get("tags", "")
        opening: dict[str, Any] = {
            "alias": dedup_key(message.group_key),
            "message": read.title[:MAX_MESSAGE],
            "description": read.text()[:MAX_DESCRIPTION],
            "details": message.common_labels,
            "priority": self._said.get("priority") or _PRIORITIES.get(read.severity, "P3"),
            "tags": [tag.strip() for tag in tags.split(",") if tag.strip()],
            "responders": self._responders,
            "entity": self._said.get("entity", ""),
            "note": self._said.get("note", ""),
        }
        return {**source, **{name: value for name, value in opening.items() if value}}

    def address(self, message: Message) -> str:
        base = self.url.rstrip("/") + "/v2/alerts"
        alias = dedup_key(message.group_key)
        return base if message.status == "firing" else f"{base}/{alias}/close?identifierType=alias"

    def headers(self, key: str) -> dict[str, str]:  # noqa: ARG002 - the alias is the group's
        return {"Authorization": f"GenieKey {self._api_key}"}


class OpsgenieBuilder:
    kind = "opsgenie"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> OpsgenieChannel:
        expect(written, *_FIELDS)
        said = {each: plain(written, each) for each in ("source", "tags", "priority", "entity", "note")}
        where = f"{written.where} responders:"
        responders = [
            mapping(each, where, "a mapping") for each in listed(written.values.get("responders"), where, "it")
        ]
        return OpsgenieChannel(
            name,
            plain(written, "api_url", ADDRESS, "opsgenie_api_url"),
            api_key=secret_of(written, shared, "api_key", default="opsgenie_api_key"),
            said=said,
            responders=responders,
            **usual(written, shared),
        )
