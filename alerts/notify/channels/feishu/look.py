"""How a message looks in Feishu, by whichever road it goes: a card, in which what alerts say cannot become markup.

Feishu refuses a robot's request above 20 KB and an app's card above 30, so as many alerts are shown as fit whole, and the rest is counted.
"""

from typing import Any

import orjson

from alerts.notify.channels.markdown import shortened
from alerts.notify.letter import Entry, Letter, facts_line

MAX_BYTES = 18_000
_COLOURS = {"critical": "red", "error": "red", "warning": "orange", "info": "blue"}
_MARKUP = str.maketrans({sign: f"&#{ord(sign)};" for sign in "*~<>[]()_`"})


def card(read: Letter) -> dict[str, Any]:
    if read.body is not None:
        return _card(read, [shortened(read.body, MAX_BYTES - 4_000)])
    entries = [_entry(entry) for entry in read.entries]
    made = _card(read, entries)
    while len(orjson.dumps(made)) > MAX_BYTES and entries:
        entries = entries[:-1]
        made = _card(read, [*entries, f"… +{len(read.entries) - len(entries)}"])
    return made


def illustrated(shown: dict[str, Any], caption: str, url: str) -> dict[str, Any]:
    """With a button that leads to the picture: a card shows only pictures that were uploaded by an app."""
    button = {"tag": "button", "text": {"tag": "plain_text", "content": caption}, "type": "default", "url": url}
    elements = list(shown["elements"])
    at = len(elements) - 1 if elements and elements[-1]["tag"] == "note" else len(elements)
    return {**shown, "elements": [*elements[:at], {"tag": "action", "actions": [button]}, *elements[at:]]}


def _card(read: Letter, entries: list[str]) -> dict[str, Any]:
    colour = _COLOURS.get(read.severity, "orange") if read.status == "firing" else "green"
    texts = [escaped(facts_line(read.shared)), *entries, read.more] if read.body is None else entries
    elements: list[dict[str, Any]] = [
        {"tag": "div", "text": {"tag": "lark_md", "content": text}} for text in texts if text
    ]
    elements.append({"tag": "note", "elements": [{"tag": "plain_text", "content": read.footer}]})
    return {
        "config": {"wide_screen_mode": True},
        "header": {"template": colour, "title": {"tag": "plain_text", "content": read.title[:1000]}},
        "elements": elements,
    }


def _entry(entry: Entry) -> str:
    link = f" [→]({entry.link})" if entry.link.startswith(("http://", "https://")) and ")" not in entry.link else ""
    lines = [
        f"**{escaped(entry.summary)}**{link}",
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        escaped(entry.since),
    ]
    return "\n".join(line for line in lines if line)


def escaped(text: str) -> str:
    return text.translate(_MARKUP)
