"""What a channel is: one vendor, one folder, one contract that all of them are tested against.

A channel sends one message once. It does not retry, remember or decide: it says how it went. A failure is an Upstream error, retryable when
trying again can help (the receiver is down, busy or slow) and not when it cannot (it refused the message). The idempotency key is
handed on wherever the vendor has a place for it, so that a message sent twice can be seen to be one.
"""

from typing import Protocol

from alerts.notify.message import Message


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
