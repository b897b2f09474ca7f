"""An answer put together from passages, without a language model: the parts of a page that answer, and not the page.

A question that names a part (checks, repair, causes, how to verify) gets that part; one that asks what to do in general gets what it
is, the first checks and the repair. Beside them stands the line that the search found to answer most, if none of these parts holds it:
before them, or after them where it only tells what comes last. A short list that answers is given whole, however its section is called.
Every line is a page's own words, shortened only at ends of sentences, with the number of the passage it stands in; commands are never
shortened.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.envelope import clip
from agent.orders import gives_orders, is_marked
from agent.passages import Role, role_of
from core.language import Language, Text, unwrapped

Item = Mapping[str, Any]
MAX_ITEMS = 4
FEW = 3
MAX_HEAD = 220
MAX_COMMAND = 320
MAX_ALSO = 2
ALSO = 0.7
"""Another page is told of only where it answers nearly as well as the best one."""
MAX_SHORT = 700
MAX_SHORT_ITEMS = 8
_GENERAL: tuple[Role, ...] = ("what", "checks", "repair")
_TITLES: dict[Role, Text] = {
    "what": Text("What it is", "是什么"),
    "symptom": Text("How it shows", "表现"),
    "checks": Text("First checks", "先检查"),
    "causes": Text("Causes", "原因"),
    "repair": Text("Repair", "修复"),
    "verification": Text("How to verify", "如何验证"),
    "prevention": Text("Prevention", "预防"),
    "other": Text("On this", "相关内容"),
}
_ALSO = Text("Also “{title}” > {heading}: {quote} [{n}]", "另见《{title}》> {heading}：{quote} [{n}]")
_MORE = Text("More in “{title}” ({path}): {headings}.", "《{title}》（{path}）还有：{headings}。")
_SAYS = Text("The page says to the assistant: “{quote}” [{n}]", "该页面对助手说：“{quote}” [{n}]")
_ITEM = re.compile(r"^(?:[-*+•]|\d+[.)、])\s+")
_CODE = re.compile(r"`([^`]+)`")
_RUN = re.compile(
    r"^(?:kubectl|helm|crictl|systemctl|journalctl|docker|redis-cli|psql|mysql|curl|dig|nslookup|openssl|\$ )|\w \S"
)
_END = re.compile(r"(?<=[。！？])|(?<=[.!?:])\s+(?=[A-Z\u4e00-\u9fff`“\"*])")
_OWN_CALL = re.compile(r"([.。:：?？])\s*`[a-z]+(?:_[a-z]+)+(?: \w+=[^`]*)?`[、,，]?\s*")
_MARK = re.compile(r"(?P<code>`[^`]*`)|\[(?P<number>\d{1,2}(?:\s*[,，]\s*\d{1,2})*)\](?![(:A-Za-z0-9_])")
"""A number in brackets that the page itself has would be read as the number of a passage."""
_RULE_ROW = re.compile(r"^\|[\s:|-]+\|?$")


def tell(shown: Mapping[str, Any]) -> str:
    """The answer in Markdown, every line with its marks."""
    language: Language = "zh" if shown.get("language") == "zh" else "en"
    passages: Sequence[Item] = shown.get("passages") or []
    if not passages:
        return ""
    best = passages[0]
    own = [one for one in passages if one["page"] == best["page"] and one["title"] == best["title"]]
    wanted: Sequence[Role] = shown.get("asked") or ()
    in_general = bool(shown.get("handling")) and not wanted
    parts = _parts(own, wanted, language)
    told = "\n".join(line for part in parts for line in part)
    role = role_of(best["heading"], best["title"])
    first = _answering(best, told, language, in_general=in_general) if wanted or role != "what" else []
    others = _others(passages, own, language)
    more = _more(own, told + "\n".join(first), best, language)
    leads = not in_general or role not in ("verification", "prevention")
    blocks = [first, *parts, others, more] if leads else [*parts, first, others, more]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _parts(own: Sequence[Item], wanted: Sequence[Role], language: Language) -> list[list[str]]:
    named = [role for role in wanted if role != "what" or len(wanted) == 1]
    roles: Sequence[Role] = ("what", "symptom") if named == ["what"] else named or _GENERAL
    found = _told(own, roles, MAX_ITEMS if named else FEW, language)
    return found or _told(own, _GENERAL, FEW, language)


def _told(own: Sequence[Item], roles: Iterable[Role], most: int, language: Language) -> list[list[str]]:
    return [part for role in roles if (part := _part(own, role, 1 if role == "what" else most, language))]


def _part(own: Sequence[Item], role: Role, most: int, language: Language) -> list[str]:
    held = sorted(
        (one for one in own if role_of(one["heading"], one["title"]) == role),
        key=lambda one: int(one.get("place") or 0),
    )
    items = [(one, item) for one in held for item in items_of(one["text"])]
    shown = [(one, said) for one, item in items if (said := brief(item))][:most]
    if not shown:
        return []
    if role == "what":
        if whole := _whole(shown[0][0], in_general=False):
            return whole
        return [f"{said} [{one['n']}]" for one, said in shown]
    lines = [f"{place}. {said} [{one['n']}]" for place, (one, said) in enumerate(shown, 1)]
    return [f"**{_TITLES[role](language)}**", *lines]


def _answering(best: Item, told: str, language: Language, *, in_general: bool) -> list[str]:
    """The line that answers most, where no part that is told holds it."""
    quote = str(best.get("quote") or "").strip()
    if not quote:
        return []
    if gives_orders(quote):
        return [_SAYS(language, quote=clip(_no_marks(quote), MAX_HEAD), n=best["n"])]
    if role_of(best["heading"], best["title"]) == "other" and (whole := _whole(best, in_general=in_general)):
        return whole
    said = brief(quote) or plain(quote)
    is_told = _bare(said)[:40] in _bare(told)
    return [] if is_told or not said else [f"{said} [{best['n']}]"]


def _whole(one: Item, *, in_general: bool) -> list[str]:
    """All of a short list, or of any short text where it was asked what to do; nothing where it is too long for that."""
    text = str(one["text"])
    starts = {_ITEM.sub("", line.strip(), count=1) for line in text.splitlines() if _ITEM.match(line.strip())}
    items = items_of(text)
    listed = [item for item in items if item.split("\n", 1)[0] in starts]
    if len(text) > MAX_SHORT or len(items) > MAX_SHORT_ITEMS or not (len(listed) > 1 or in_general):
        return []
    lines: list[str] = []
    place = 0
    for item in items:
        place += item in listed
        lines.append(f"{f'{place}. ' if item in listed else ''}{_spoken(item)} [{one['n']}]")
    return lines


def _spoken(item: str) -> str:
    code, lines = _apart([line for line in item.splitlines() if line.strip()])
    prose = plain("\n".join(lines))
    return " ".join([prose, *(f"`{each}`" for each in code if f"`{each}`" not in prose)]).strip()


def _others(passages: Sequence[Item], own: Sequence[Item], language: Language) -> list[str]:
    lines: dict[str, str] = {}
    for one in passages:
        quote = str(one.get("quote") or "")
        title, heading = _no_marks(one["title"]), _no_marks(one["heading"])
        if one in own or not quote or title in lines or any(map(gives_orders, (quote, title, heading))):
            continue
        if _score(one) < ALSO * _score(passages[0]):
            continue
        said = clip(plain(quote), MAX_HEAD)
        lines[title] = _ALSO(language, title=title, heading=heading, quote=said, n=one["n"])
    return list(lines.values())[:MAX_ALSO]


def _score(one: Item) -> float:
    """A passage that nobody measured was asked for by name."""
    return float(one["score"]) if one.get("score") is not None else 1.0


def _more(own: Sequence[Item], told: str, best: Item, language: Language) -> list[str]:
    untold = [one["heading"].split(" > ")[-1] for one in own if f"[{one['n']}]" not in told]
    headings = [each for each in dict.fromkeys(untold) if each and each != best["title"] and not gives_orders(each)]
    if not headings or gives_orders(best["title"]):
        return []
    joined = _no_marks(("、" if language == "zh" else ", ").join(headings))
    return [_MORE(language, title=_no_marks(best["title"]), path=best["path"], headings=joined)]


def items_of(text: str) -> list[str]:
    """A passage's list items and rows, or its paragraphs where it has neither; a code block stays in its item."""
    items: list[list[str]] = []
    fenced, fresh = False, True
    rows: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if is_marked(bare) or gives_orders(bare):
            continue
        if bare.startswith("```"):
            fenced = not fenced
        if bare.startswith("|") and not fenced:
            rows.append(bare)
        elif not bare and not fenced:
            fresh = True
        elif not fenced and _ITEM.match(bare) and not line.startswith("   "):
            items.append([_ITEM.sub("", bare, count=1)])
            fresh = False
        elif fresh and not fenced and not bare.startswith("```") and not line.startswith("   "):
            items.append([bare])
            fresh = False
        elif items:
            items[-1].append(line if fenced else bare)
        else:
            items.append([bare])
    listed = ["\n".join(item) for item in items]
    return [*listed, *(_row(row) for row in _body(rows))]


def _body(rows: Sequence[str]) -> Iterable[str]:
    """Rows of a table without its head."""
    has_rule = len(rows) > 1 and _RULE_ROW.match(rows[1])
    return [row for row in (rows[2:] if has_rule else rows) if not _RULE_ROW.match(row)]


def _row(row: str) -> str:
    return "; ".join(cell.strip() for cell in row.strip().strip("|").split("|") if cell.strip())


def brief(item: str) -> str:
    """Its first sentences up to a bound, and the first command that it gives, whole."""
    code, lines = _apart([line for line in item.splitlines() if line.strip()])
    command = _command(code, lines)
    prose = plain("\n".join(line for line in lines if not _is_command(line)))
    head = _head(_without_call(prose) if command else prose)
    return head if not command or f"`{command}`" in head else f"{head} `{command}`".strip()


def _head(prose: str) -> str:
    said = ""
    for sentence in (piece.strip() for piece in _END.split(prose) if piece and piece.strip()):
        gap = "" if not said or said.endswith(("。", "！", "？")) else " "
        if said and len(said) + len(sentence) > MAX_HEAD:
            break
        said += gap + sentence
        if len(said) > MAX_HEAD // 2:
            break
    whole = said.count("`") % 2 == 0
    return (said if whole else said[: said.rfind("`")]).strip(" :：,，;；")


def _command(code: Sequence[str], lines: Sequence[str]) -> str:
    """What can be typed comes before a call of our own tools; the first of either is taken, and never shortened."""
    codes = [*code, *(code for line in lines for code in _CODE.findall(line))]
    runs = [code for code in codes if _RUN.search(code) and len(code) <= MAX_COMMAND]
    typed = [
        code for code in runs if re.match(r"(?:kubectl|helm|crictl|systemctl|redis-cli|psql|curl|openssl|dig)\b", code)
    ]
    return next(iter([*typed, *runs]), "")


def _apart(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of code blocks without comments, and the others."""
    code: list[str] = []
    others: list[str] = []
    fenced = False
    for line in lines:
        if line.strip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            others.append(line)
        elif not line.lstrip().startswith("#"):
            code.append(line.strip())
    return code, others


def _is_command(line: str) -> bool:
    """A line that is a command alone, with or without the program's name before it."""
    return re.fullmatch(r"(?:[\w ]{1,20}[:：]\s*)?`[^`]+`[.。]?", line.strip()) is not None


def _without_call(prose: str) -> str:
    """Without the call of our own tool that stands between an item's name and what it says about it."""
    return " ".join(_OWN_CALL.sub(r"\1 ", prose, count=1).split())


def plain(text: str) -> str:
    """One line without list numbers, bold marks, table bars and a page's own numbers in brackets."""
    line = unwrapped(text)
    if line.startswith("|"):
        line = _row(line)
    bare = _ITEM.sub("", line, count=1).replace("**", "").strip()
    return _no_marks(bare)


def _no_marks(text: str) -> str:
    return _MARK.sub(lambda found: found.group() if found["code"] else f"({found['number']})", text)


def _bare(text: str) -> str:
    return re.sub(r"[\s*`]+", "", text).lower()
