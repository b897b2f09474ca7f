"""How a message looks in Slack, by whichever road it goes. Its markup has three characters that must be escaped and nothing else."""

from typing import Any

from alerts.notify.letter import Entry, Letter, facts_line

MAX_SECTION = 3_000
_COLOURS = {"critical": "#b3261e", "error": "#b3261e", "warning": "#e8a317", "info": "#3b6fb6"}
MAX_TEXT = 30_000
MAX_FIELDS = 20
_ABOUT = ("channel", "username", "icon_emoji", "icon_url")
_ATTACHED = frozenset(
    {"title", "title_link", "pretext", "text", "fallback", "callback_id", "footer", "color", "image_url", "thumb_url"}
)
_ALWAYS = frozenset({"text", "fallback", "callback_id", "footer"})
_CALM = "#2e7d4f"


def shown(read: Letter) -> dict[str, Any]:
    """In blocks; in the user's words, the attachment that Alertmanager's users write theirs for."""
    about = {name: read.words[name] for name in _ABOUT if read.words.get(name)}
    return about | (_attached(read) if _ATTACHED & read.words.keys() or _fields(read) else _in_blocks(read))


def _attached(read: Letter) -> dict[str, Any]:
    words = read.words
    usual = {
        "title": read.title,
        "title_link": f"{read.link}/alerts" if read.link else "",
        "text": read.middle() if read.body is None else read.body,
        "fallback": read.title,
        "callback_id": "",
        "footer": read.footer,
        "color": _colour(read),
    }
    given = {name: words[name] for name in _ATTACHED if name in words}
    said = (usual | given).items()
    attachment: dict[str, Any] = {name: text[:MAX_TEXT] for name, text in said if text or name in _ALWAYS}
    fields = _fields(read)
    if fields:
        attachment["fields"] = fields
    return {"attachments": [{**attachment, "mrkdwn_in": ["fallback", "pretext", "text"]}]}


def _fields(read: Letter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in range(MAX_FIELDS):
        title = read.words.get(f"fields.{place}.title")
        if title is None:
            break
        short = read.words.get(f"fields.{place}.short") == "true"
        found.append({"title": title, "value": read.words.get(f"fields.{place}.value", ""), "short": short})
    return found


def _colour(read: Letter) -> str:
    return _COLOURS.get(read.severity, _COLOURS["warning"]) if read.status == "firing" else _CALM


def _in_blocks(read: Letter) -> dict[str, Any]:
    head = f"*{escaped(read.title)}*" + (f"\n`{escaped(facts_line(read.shared))}`" if read.shared else "")
    sections = [head, *(_entry(entry) for entry in read.entries), *([read.more] if read.more else [])]
    blocks: list[dict[str, Any]] = [_section(text) for text in sections]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(read.footer)}]})
    return {
        "text": escaped(read.title),
        "attachments": [{"color": _colour(read), "fallback": read.title, "blocks": blocks}],
    }


def illustrated(body: dict[str, Any], caption: str, url: str) -> dict[str, Any]:
    """With a picture under the title; in the user's words, where they name none themselves."""
    (attachment,) = body["attachments"]
    if "blocks" not in attachment:
        return {**body, "attachments": [{"image_url": url, **attachment}]}
    title, *rest = attachment["blocks"]
    image = {"type": "image", "alt_text": caption, "image_url": url}
    return {**body, "attachments": [{**attachment, "blocks": [title, image, *rest]}]}


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _entry(entry: Entry) -> str:
    link = f"<{entry.link}|→>" if entry.link.startswith(("http://", "https://")) and "|" not in entry.link else ""
    lines = [
        f"*{escaped(entry.summary)}* {link}".strip(),
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        f"_{entry.since}_",
    ]
    return "\n".join(line for line in lines if line)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_SECTION]}}
