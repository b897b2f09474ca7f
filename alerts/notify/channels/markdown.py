"""A letter in the small Markdown that group robots understand; what alerts say cannot become markup."""

from alerts.notify.letter import Entry, Letter, facts_line

_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]#<>"})


def markdown(read: Letter, max_bytes: int, picture: str = "") -> str:
    """As many alerts as fit whole; what is left out is counted. The user's own words are markup already. `picture` is the Markdown of
    one, which stands after what is shared by all, and below the user's words."""
    if read.body is not None:
        below = f"\n\n{picture}" if picture else ""
        return shortened(read.body, max_bytes - len(below.encode())) + below
    head = [f"### {escaped(read.title)}", *([escaped(facts_line(read.shared))] if read.shared else [])]
    head += [picture] if picture else []
    shown = [_entry(entry) for entry in read.entries]
    for count in range(len(shown), -1, -1):
        left = len(shown) - count
        cut = [f"… +{left}"] if left else []
        text = "\n\n".join([*head, *shown[:count], *cut, *([read.more] if read.more else []), escaped(read.footer)])
        if len(text.encode()) <= max_bytes:
            return text
    return shortened(head[0], max_bytes)


def shortened(text: str, max_bytes: int) -> str:
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")


def image(url: str, caption: str) -> str:
    """Nothing, where the address is none or could end the markup."""
    return f"![{escaped(caption)}]({url})" if url and ")" not in url else ""


def escaped(text: str) -> str:
    return text.translate(_SIGNS)


def _entry(entry: Entry) -> str:
    link = f" [→]({entry.link})" if entry.link.startswith(("http://", "https://")) and ")" not in entry.link else ""
    lines = [
        f"**{escaped(entry.summary)}**{link}",
        escaped(entry.description),
        escaped(facts_line(entry.facts)),
        escaped(entry.since),
    ]
    return "\n\n".join(line for line in lines if line)
