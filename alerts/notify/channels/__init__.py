"""What a channel is: one vendor, one folder, one contract that all of them are tested against.

A channel sends one message once. It does not retry, remember or decide: it says how it went. A failure is an Upstream error, retryable when
trying again can help (the receiver is down, busy or slow) and not when it cannot (it refused the message). The idempotency key is
handed on wherever the vendor has a place for it, so that a message sent twice can be seen to be one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from alerts.notify.message import Message
from alerts.pictures.picture import NoPictures, Pictures
from core.clock import Clock
from core.errors import Invalid
from core.language import Language

UNREAD = "https://secret.invalid"
"""Stands for a secret where a file is only checked, on a machine that need not have it."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """The receiver's name in records: stable, and without any secret of its address."""
        ...

    @property
    def kind(self) -> str: ...

    async def send(self, message: Message, *, key: str) -> str:
        """What the receiver said, in a few words."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that a vendor has: what the vendor calls it, and which alerts it shows as firing."""

    mark: Mapping[str, str]
    firing: frozenset[str]


class Memory(Protocol):
    """The last message of each group in each way, for those that can be updated in place."""

    async def last(self, way: str, group_key: str) -> Posted | None: ...

    async def keep(self, way: str, group_key: str, posted: Posted) -> None: ...

    async def forget(self, way: str, group_key: str) -> None: ...


class ShortMemory:
    """Lasts as long as the process: enough where a file is only checked."""

    def __init__(self) -> None:
        self._posted: dict[tuple[str, str], Posted] = {}

    async def last(self, way: str, group_key: str) -> Posted | None:
        return self._posted.get((way, group_key))

    async def keep(self, way: str, group_key: str, posted: Posted) -> None:
        self._posted[way, group_key] = posted

    async def forget(self, way: str, group_key: str) -> None:
        self._posted.pop((way, group_key), None)


@dataclass(frozen=True, slots=True)
class Shared:
    """What every channel may use, whoever its vendor is."""

    clock: Clock
    language: Language = "en"
    timeout: float = 10.0
    redact: Callable[[Any], Any] = lambda body: body
    """What every body passes before it leaves: labels and annotations quote what systems said."""
    secret: Callable[[str], str] = lambda reference: reference
    """A secret may be written as a reference, `env:NAME` or `file:PATH`; this reads it."""
    memory: Memory = field(default_factory=ShortMemory)
    pictures: Pictures = field(default_factory=NoPictures)
    """Charts of what alerts measure, for the channels that show pictures."""


@dataclass(frozen=True, slots=True)
class Written:
    """One entry of a receiver's `..._configs`, the file's `global` beside it, and the words for its place."""

    values: Mapping[str, Any]
    defaults: Mapping[str, Any]
    where: str

    def language(self, shared: Shared) -> Language:
        """`language: zh` in the entry, else the product's."""
        match self.values.get("language"):
            case None:
                return shared.language
            case "en":
                return "en"
            case "zh":
                return "zh"
        raise Invalid(f"{self.where} language must be en or zh.", field="language", allowed=("en", "zh"))

    def pictures(self, shared: Shared, *, usually: bool = True) -> Pictures:
        """`picture: false` in the entry keeps its messages without charts."""
        wanted = self.values.get("picture", usually)
        if not isinstance(wanted, bool):
            raise Invalid(f"{self.where} picture must be true or false.", field="picture")
        return shared.pictures if wanted else NoPictures()


class Builder(Protocol):
    """What a vendor's folder gives to the workshop: how its entries are read, and whether it tells of ends where nothing is said."""

    kind: str
    sends_resolved: bool

    def __call__(self, name: str, written: Written, shared: Shared) -> Channel: ...
