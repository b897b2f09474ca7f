"""A channel whose message is one POST of JSON: what all vendors of that kind have in common, so that a folder holds only what is its own.

What an alert says passes the redactor before a vendor's own secrets (a signature, a key in the body) join it: a redactor that saw those
would blot them out. A vendor says what it shows (`content`), what must go with it (`sealed`), where to (`address`), under which headers,
and what the answer means (`judged`). What the file says of HTTP (who we are) is the same for all. A vendor that shows pictures says how
(`illustrated`); one that refuses a message for its picture, which it may have been unable to fetch, gets it once more without.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import httpx
import orjson

from alerts.fields import expect_fields
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.post import Answer, Poster, host_of
from alerts.notify.channels.settings import credentials, secret_of
from alerts.notify.message import Message
from alerts.pictures.picture import NoPictures, Picture, Pictures
from core.clock import Clock
from core.errors import Upstream
from core.language import Language


class Posting:
    kind: ClassVar[str]
    product: ClassVar[str]
    shows_pictures: ClassVar[bool] = False

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
        credentials: Mapping[str, str] | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        """`credentials` are headers that say who we are."""
        self.name = name
        self.url = url
        self.clock = clock
        self.language = language
        self.system = f"{self.product} at {host_of(url, 'url')}"
        self._redact = redact
        self._credentials = dict(credentials or {})
        self._poster = Poster(self.system, clock, timeout, client)
        self.pictures = pictures or NoPictures()

    async def send(self, message: Message, *, key: str) -> str:
        picture = await self.pictures.show(message.question) if self.shows_pictures else None
        if picture is None or not picture.url:
            return await self.post(self.content(message), message, key)
        try:
            return await self.post(self.illustrated(message, picture), message, key)
        except Upstream as error:
            if error.retryable:
                raise
            return f"{await self.post(self.content(message), message, key)} (without its picture)"

    async def post(self, content: dict[str, Any], message: Message, key: str) -> str:
        body = self.sealed(self._redact(content), key)
        headers = {**self._credentials, **self.headers(key)}
        return self.judged(await self._poster.post(self.address(message), orjson.dumps(body), headers))

    async def close(self) -> None:
        await self._poster.close()

    def content(self, message: Message) -> dict[str, Any]:
        raise NotImplementedError

    def illustrated(self, message: Message, picture: Picture) -> dict[str, Any]:  # noqa: ARG002 - for vendors that show pictures
        return self.content(message)

    def sealed(self, content: dict[str, Any], key: str) -> dict[str, Any]:  # noqa: ARG002 - most vendors have no place for a key
        return content

    def address(self, message: Message) -> str:  # noqa: ARG002 - most vendors have one address for all
        return self.url

    def headers(self, key: str) -> Mapping[str, str]:  # noqa: ARG002 - most vendors have no header for a key
        return {}

    def judged(self, answer: Answer) -> str:
        return f"HTTP {answer.status}"


class Robot(Posting):
    """A group's robot: an address that is a secret, and with most vendors a second one to sign with."""

    signs: ClassVar[bool] = True

    def __init__(self, name: str, url: str, *, secret: str = "", language: Language = "zh", **usual: Any) -> None:
        super().__init__(name, url, language=language, **usual)
        self.secret = secret

    @classmethod
    def written(cls, name: str, written: Written, shared: Shared) -> Self:
        signing = ("secret", "secret_file") if cls.signs else ()
        expect_fields(
            written.values, ("send_resolved", "url", "url_file", *signing, "language", "picture"), written.where
        )
        return cls(
            name,
            secret_of(written, shared, "url"),
            secret=secret_of(written, shared, "secret", optional=True) if cls.signs else "",
            **usual(written, shared),
        )


def usual(written: Written, shared: Shared) -> dict[str, Any]:
    """What every vendor's channel is made with."""
    return {
        "clock": shared.clock,
        "language": written.language(shared),
        "timeout": shared.timeout,
        "redact": shared.redact,
        "credentials": credentials(written, shared),
        "pictures": written.pictures(shared),
    }


class RobotBuilder:
    sends_resolved = True

    def __init__(self, robot: type[Robot]) -> None:
        self.kind = robot.kind
        self._robot = robot

    def __call__(self, name: str, written: Written, shared: Shared) -> Robot:
        return self._robot.written(name, written, shared)
