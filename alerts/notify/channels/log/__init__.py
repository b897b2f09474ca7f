"""Notifications as lines of the log: the channel that is always there, and the one to read when another is down."""

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.message import Message
from core.language import Language
from core.logs import get

_log = get(__name__)


class LogChannel:
    kind = "log"

    def __init__(self, language: Language = "en", name: str = "log") -> None:
        self.name = name
        self._language = language

    async def send(self, message: Message, *, key: str) -> str:
        _log.info(
            message.line(self._language),
            receiver=self.name,
            reason=message.reason,
            group=message.group_key,
            fingerprints=[item.fingerprint for item in message.items],
            idempotency_key=key,
        )
        return "written"

    async def close(self) -> None:
        return None


class LogBuilder:
    kind = "log"
    sends_resolved = True

    def __call__(self, name: str, written: Written, shared: Shared) -> LogChannel:
        expect_fields(written.values, ("send_resolved",), written.where)
        return LogChannel(shared.language, name)
