"""A message that stays one message: posted once, updated where it stands as its group changes, green when the last alert has ended.

Updating rings nobody's phone, so whatever is news is also said aloud: an alert that has joined is told as a reply below the message,
seen by the whole channel where the vendor can do that. A repeat is posted anew, for it wants to be noticed, and from then on the new
one is updated; with `repeats: thread` it is a reply instead. A message that is gone, or too old to be changed, is posted anew. What the
vendor calls the message is kept by group and way, written after it was posted: a crash between the two posts it twice and loses
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx

from alerts.notify.channels import Memory, Posted, Shared, Written
from alerts.notify.channels.post import Poster, host_of
from alerts.notify.message import Message
from alerts.pictures.picture import NoPictures, Pictures
from core.clock import Clock
from core.errors import Invalid
from core.language import Language, pick

MAX_ANSWER = 512 * 1024
"""Vendors answer with the whole message."""
_OF_THEIR_OWN = ("test", "escalated", "end_resolved", "end_taken", "end_closed")


class Gone(Exception):
    """The message cannot be updated any more. Never leaves this folder."""


@dataclass(frozen=True, slots=True)
class Habits:
    update: bool = True
    repeats: str = "anew"


class Updating:
    kind: ClassVar[str]
    product: ClassVar[str]

    def __init__(
        self,
        name: str,
        url: str,
        *,
        clock: Clock,
        memory: Memory,
        habits: Habits | None = None,
        language: Language = "en",
        timeout: float = 10.0,
        client: httpx.AsyncClient | None = None,
        redact: Callable[[Any], Any] = lambda body: body,
        pictures: Pictures | None = None,
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self.clock = clock
        self.language = language
        self.system = f"{self.product} at {host_of(url, 'api_url')}"
        self.redact = redact
        self.poster = Poster(self.system, clock, timeout, client, MAX_ANSWER)
        self.pictures = pictures or NoPictures()
        self._memory = memory
        self._habits = habits or Habits()

    async def send(self, message: Message, *, key: str) -> str:
        # What an escalation says is about one alert among many of its step, and must ring: it is never put in another's place.
        if not self._habits.update or message.reason in _OF_THEIR_OWN:
            await self.post(message, key)
            return "ok"
        known = None if message.reason == "first" else await self._memory.last(self.name, message.group_key)
        if known is None:
            return await self._anew(message, key)
        if message.reason == "repeat":
            return await self._again(known, message, key)
        return await self._changed(known, message, key)

    async def close(self) -> None:
        await self.poster.close()

    async def post(self, message: Message, key: str) -> Mapping[str, str]:
        """Post it, and say what the vendor calls it."""
        raise NotImplementedError

    async def update(self, mark: Mapping[str, str], message: Message) -> None:
        """Put this in its place, or raise Gone."""
        raise NotImplementedError

    async def reply(self, mark: Mapping[str, str], text: str, key: str) -> None:
        """Say a line below it, or raise Gone."""
        raise NotImplementedError

    async def _anew(self, message: Message, key: str) -> str:
        mark = await self.post(message, key)
        if message.status == "firing" and all(mark.values()):
            await self._memory.keep(self.name, message.group_key, Posted(mark, firing_in(message)))
        else:
            await self._memory.forget(self.name, message.group_key)
        return "posted"

    async def _again(self, known: Posted, message: Message, key: str) -> str:
        if self._habits.repeats != "thread":
            return await self._anew(message, key)
        try:
            await self.update(known.mark, message)
            await self.reply(known.mark, message.line(self.language), key)
        except Gone:
            return await self._anew(message, key)
        return "told again below it"

    async def _changed(self, known: Posted, message: Message, key: str) -> str:
        joined = firing_in(message) - known.firing
        try:
            await self.update(known.mark, message)
            if joined:
                await self.reply(known.mark, self._news(message, joined), key)
        except Gone:
            return await self._anew(message, key)
        if message.status == "firing":
            await self._memory.keep(self.name, message.group_key, Posted(known.mark, firing_in(message)))
        else:
            await self._memory.forget(self.name, message.group_key)
        return "updated"

    def _news(self, message: Message, joined: frozenset[str]) -> str:
        item = next(item for item in message.items if item.fingerprint in joined)
        said = item.text("summary", self.language) or item.labels.get("alertname", "")
        rest = len(joined) - 1
        more = pick(self.language, f" (and {rest} more)", f"（另有 {rest} 条）") if rest else ""
        return pick(self.language, f"Also firing: {said}{more}", f"新增告警：{said}{more}")


def firing_in(message: Message) -> frozenset[str]:
    return frozenset(item.fingerprint for item in message.items if item.status == "firing")


def usual(written: Written, shared: Shared) -> dict[str, Any]:
    update, repeats = written.values.get("update", True), written.values.get("repeats", "anew")
    if not isinstance(update, bool):
        raise Invalid(f"{written.where} update must be true or false.", field="update")
    if repeats not in ("anew", "thread"):
        raise Invalid(f"{written.where} repeats must be anew or thread.", field="repeats", allowed=("anew", "thread"))
    return {
        "clock": shared.clock,
        "memory": shared.memory,
        "habits": Habits(update, repeats),
        "language": written.language(shared),
        "timeout": shared.timeout,
        "redact": shared.redact,
        "pictures": written.pictures(shared),
    }
