"""How a message looks in Slack, by whichever road it goes. Its markup has three characters that must be escaped and nothing else."""

from typing import Any

from alerts.notify.letter import Entry, Letter, facts_line

MAX_SECTION = 3_000
_COLOURS = {"critical": "#b3261e", "error": "#b3261e", "warning": "#e8a317", "info": "#3b6fb6"}
_CALM = "#2e7d4f"


def shown(read: Letter) -> dict[str, Any]:
    head = f"*{escaped(read.title)}*" + (f"\n`{escaped(facts_line(read.shared))}`" if read.shared else "")
    sections = [head, *(_entry(entry) for entry in read.entries), *([read.more] if read.more else [])]
    colour = _COLOURS.get(read.severity, _COLOURS["warning"]) if read.status == "firing" else _CALM
    blocks: list[dict[str, Any]] = [_section(text) for text in sections]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(read.footer)}]})
    return {"text": escaped(read.title), "attachments": [{"color": colour, "fallback": read.title, "blocks": blocks}]}


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
