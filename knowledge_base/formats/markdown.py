"""Markdown is what all formats become, so its own text is taken as it stands, behind its front matter."""

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_LINE, Facts, Reading, facts_of

_FENCE = "---"


def read(raw: bytes) -> Reading:
    facts, body = _front_matter(_decoded(raw))
    return Reading(body, facts.title or "", facts)


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"The file is not UTF-8 text (byte {error.start}).") from None
    if "\x00" in text:
        raise Invalid("The file holds NUL characters; it is not text.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(len(line) > MAX_LINE for line in text.split("\n")):
        raise Invalid(f"A line is longer than {MAX_LINE} characters.")
    return text


def _front_matter(text: str) -> tuple[Facts, str]:
    lines = text.split("\n")
    if lines[0].strip() != _FENCE:
        return Facts(), text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        raise Invalid("The front matter opens with --- and never closes.")
    return facts_of("\n".join(lines[1:end]), "front matter"), "\n".join(lines[end + 1 :])
