"""Notifications as lines of the log: the channel that is always there, and the one to read when another is down."""

from alerts.notify.message import Message
from core.language import Language
from core.logs import get

_log = get(__name__)


class LogChannel:
    name = "log"
    kind = "log"

    def __init__(self, language: Language = "en") -> None:
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
