"""VictorOps (Splunk On-Call): one incident a group, opened and recovered by an entity made of the group's key.

Its address holds the key, so only the host is shown. It answers 200 with a result; a message sent twice for one entity opens one incident.
"""

from typing import Any

from alerts.notify.channels import Shared, Written
from alerts.notify.channels.posting import Posting, usual
from alerts.notify.channels.settings import dedup_key, expect, plain, secret_of
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.errors import Invalid

ADDRESS = "https://alert.victorops.com/integrations/generic/20131114/alert/"
MAX_STATE = 20_480
TYPES = ("CRITICAL", "WARNING", "INFO")
_FIELDS = (
    "api_key",
    "api_key_file",
    "api_url",
    "routing_key",
    "message_type",
    "entity_display_name",
    "state_message",
    "monitoring_tool",
    "custom_fields",
)


class VictorOpsChannel(Posting):
    kind = "victorops"
    product = "VictorOps"

    def __init__(
        self, name: str, url: str = ADDRESS, *, api_key: str, routing_key: str, opens_as: str = "CRITICAL", **usual: Any
    ) -> None:
        super().__init__(name, url, **usual)
        self._api_key = api_key
        self._routing_key = routing_key
        self._opens_as = opens_as

    def content(self, message: Message) -> dict[str, Any]:
        read = letter(message, self.language)
        return {
            "message_type": self._opens_as if message.status == "firing" else "RECOVERY",
            "entity_id": dedup_key(message.group_key),
            "entity_display_name": read.title,
            "state_message": read.text()[:MAX_STATE],
            "monitoring_tool": "Firstmate",
        }

    def address(self, message: Message) -> str:  # noqa: ARG002 - one address for all
        return f"{self.url.rstrip('/')}/{self._api_key}/{self._routing_key}"


class VictorOpsBuilder:
    kind = "victorops"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> VictorOpsChannel:
        expect(written, *_FIELDS)
        opens_as = plain(written, "message_type", "CRITICAL").upper()
        if opens_as not in TYPES:
            raise Invalid(
                f"{written.where} message_type must be CRITICAL, WARNING or INFO.", field="message_type", allowed=TYPES
            )
        return VictorOpsChannel(
            name,
            plain(written, "api_url", ADDRESS, "victorops_api_url"),
            api_key=secret_of(written, shared, "api_key", default="victorops_api_key"),
            routing_key=secret_of(written, shared, "routing_key"),
            opens_as=opens_as,
            **usual(written, shared),
        )
