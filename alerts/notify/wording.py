"""The user's own words for a message: templates in a channel's settings or in files, rendered when it is sent.

A field may be written once (`title`) or for a language (`title_zh`), which then wins for receivers of that language; a field that is not
written says what its template by name says, if the user's files have changed that. The words are put beside the message, where the letter
finds them, so that a vendor's folder need not know of templates. Rendering goes on in a thread and within bounds, and what fails there
loses no message: it then goes out in our own words, with the failure told at its foot.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alerts.notify.channels import Channel
from alerts.notify.message import Message, Said
from alerts.templating.data import data_of
from alerts.templating.library import Library, Text
from alerts.templating.values import Failed
from core.errors import Invalid
from core.language import Language
from core.logs import get

LANGUAGES: tuple[Language, ...] = ("en", "zh")
MAX_SAID = 300
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a channel that is a template."""

    default: str = ""
    """The template that stands for it where nothing is written."""
    becomes: str = ""
    """What it is in the letter, where that has another name: its title or its text."""
    kind: str = "text"


def _usual(kind: str, title: str = "title", text: str = "text") -> dict[str, Field]:
    named = ((title, "title"), (text, "text"))
    return {name: Field(f"{kind}.default.{name}", becomes) for name, becomes in named if name}


WORDS: Mapping[str, Mapping[str, Field]] = {
    "slack": {
        **{
            name: Field(f"slack.default.{name.replace('_', '')}")
            for name in ("title", "title_link", "pretext", "text", "fallback", "footer", "callback_id", "username")
        },
        "icon_emoji": Field("slack.default.iconemoji"),
        "icon_url": Field("slack.default.iconurl"),
        **dict.fromkeys(("channel", "color", "image_url", "thumb_url", "fields"), Field()),
    },
    "email": {
        "html": Field("email.default.html", kind="html"),
        "text": Field("email.default.text"),
        "headers": Field(),
        "to": Field(),
    },
    **{kind: _usual(kind) for kind in ("feishu", "dingtalk", "wecom", "msteams", "msteamsv2", "apprise")},
    "discord": _usual("discord", text="message"),
    "pushover": _usual("pushover", text="message"),
    "opsgenie": _usual("opsgenie", "message", "description"),
    "victorops": _usual("victorops", "entity_display_name", "state_message"),
    "pagerduty": _usual("pagerduty", "description", ""),
    "webex": _usual("webex", "", "message"),
    "telegram": {"message": Field("telegram.default.message", "text", "html")},
}
"""The fields of each kind that are templates, named as Alertmanager has them where it has the kind."""
ADDRESSES = frozenset({"to", "channel"})
"""Whom a message is for: a builder's own business, unless it is a template."""
_SUBJECT = ("headers.Subject", "email.default.subject")


@dataclass(frozen=True, slots=True)
class Wording:
    """A channel's fields that are in the user's words."""

    texts: Mapping[str, Text] = field(default_factory=dict)

    def say(self, message: Message) -> Said:
        data = data_of(message.webhook_body())
        said: dict[str, str] = {}
        failure = ""
        for name, text in self.texts.items():
            try:
                said[name] = text.render(data)
            except Failed as error:
                failure = failure or f"{name}: {error}"[:MAX_SAID]
        if not failure:
            return Said(said)
        _log.warning("a template could not be rendered", receiver=message.receiver, error=failure)
        return Said({name: words for name, words in said.items() if self.texts[name].is_plain}, failure)


class Worded:
    """A channel that is handed each message with the user's words beside it."""

    def __init__(self, channel: Channel, wording: Wording) -> None:
        self.channel = channel
        self.wording = wording

    @property
    def name(self) -> str:
        return self.channel.name

    @property
    def kind(self) -> str:
        return self.channel.kind

    async def send(self, message: Message, *, key: str) -> str:
        said = await asyncio.to_thread(self.wording.say, message)
        return await self.channel.send(replace(message, said=said), key=key)

    async def close(self) -> None:
        await self.channel.close()


def worded(channel: Channel, wording: Wording) -> Channel:
    return Worded(channel, wording) if wording.texts else channel


def split(
    kind: str, values: Mapping[str, Any], where: str, language: Language, library: Library
) -> tuple[dict[str, Any], Wording]:
    """What is left of an entry for its builder, and the words."""
    fields = WORDS.get(kind, {})
    left = {name: value for name, value in values.items() if name in ADDRESSES or bare(name) not in fields}
    texts: dict[str, Text] = {}
    for name, one in fields.items():
        for path, written in _written(values, name, language, where):
            if name not in ADDRESSES or "{{" in written:
                texts[one.becomes or path] = library.text(written, f"{where} {path}", one.kind)
        if (one.becomes or name) not in texts and library.is_changed(one.default):
            texts[one.becomes or name] = library.text(_called(one.default), name, one.kind)
    path, default = _SUBJECT
    if kind == "email" and path not in texts and library.is_changed(default):
        texts[path] = library.text(_called(default), path)
    return left, Wording(texts)


def bare(name: str) -> str:
    """`title_zh` is the title."""
    return next((name.removesuffix(f"_{one}") for one in LANGUAGES if name.endswith(f"_{one}")), name)


def _called(name: str) -> str:
    return '{{ template "' + name + '" . }}'


def _written(values: Mapping[str, Any], name: str, language: Language, where: str) -> Iterator[tuple[str, str]]:
    """A text, or the texts inside of it: `headers.Subject`, `fields.0.title`."""
    value = values.get(f"{name}_{language}", values.get(name))
    if value is not None:
        yield from _leaves(value, name, where)


def _header(name: str, where: str) -> str:
    """Any but those that say how the mail is built."""
    if not re.fullmatch(r"(?!content-|mime-)[a-z0-9-]{1,60}", name.lower()):
        raise Invalid(f"{where} headers: {name[:60]!r} cannot be set.", field="headers")
    return name.title()


def _leaves(value: Any, path: str, where: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, bool) and depth:
        yield path, "true" if value else "false"
    elif isinstance(value, (dict, list)) and depth < 2 and path.partition(".")[0] in ("headers", "fields"):
        entries = value.items() if isinstance(value, dict) else enumerate(value[:20])
        for name, each in entries:
            own = _header(str(name), where) if path == "headers" else name
            yield from _leaves(each, f"{path}.{own}", where, depth + 1)
    else:
        raise Invalid(f"{where} {path} must be a text.", field=path)
