"""What a runbook says about the repair, in one or two sentences that are true for this very object.

A page is written for any object, with `<ns>` and `<deployment>` to fill in. Here the values are known, so they are filled in; a sentence
with a blank that is not known is left out, and so is one that a cut would leave half. A page's list numbers and bold marks are dropped.
A page about several faults ends the items of its list with their ids, as (`oom_killed`): of these only the diagnosed fault's are said.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.language import unwrapped

MAX_QUOTE = 320
SENTENCES = 2
_REPAIR = re.compile(r"repair|remed|fix|mitigat|resolution|修复|处理|解决|恢复", re.IGNORECASE)
_BLANK = re.compile(r"<([^<>]{1,40})>")
_COMMAND = re.compile(r"`[^`]*`")
_OWN_TOOL = re.compile(r"^`propose_fix[^`]*`\s*")
_PLACE = {"ns", "namespace"}
_OBJECT = {"name", "deployment", "statefulset", "daemonset", "workload", "service", "svc"}
_PROGRAMS = {"", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob", "Service"}
_UNDOES = re.compile(r"\brollout undo\b")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)、])\s+")
_ABOUT = re.compile(r"[ \t]*[（(]((?:`[a-z]+(?:_[a-z]+)*`(?:, |、)?)+)[）)]$", re.MULTILINE)
_NEXT_ITEM = re.compile(r"^(?=(?:[-*•]|\d+[.)、])\s)", re.MULTILINE)
_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+(?=[A-Z\u4e00-\u9fff`“\"*])")


def repair_hit(hits: Sequence[Mapping[str, Any]], fault: str) -> int:
    """The place of the hit to cite: the fault's own page before the best one, and there the repair that names it before others."""
    best = str(hits[0].get("page", "")) if hits else ""
    page = fault if any(hit.get("page") == fault for hit in hits) else best
    own = [index for index, hit in enumerate(hits) if hit.get("page") == page]
    repairs = [index for index in own if _REPAIR.search(str(hits[index].get("heading", "")).split(">")[-1])]
    named = [index for index in repairs if re.search(rf"\b{re.escape(fault)}\b", str(hits[index].get("text", "")))]
    return next(iter([*named, *repairs, *own]), 0)


def brief(text: str, component: Mapping[str, Any], *, fault: str = "", may_undo: bool = True) -> str:
    """The first sentences that can be said whole, at most two, each with what leads to it; nothing when there is none.

    Where no release is to blame, a command that takes the last one back is not said: it may bring the bad revision again.
    """
    said: list[str] = []
    for paragraph in _paragraphs(_ABOUT.sub("", _own_items(text, fault))):
        for sentence in (piece.strip() for piece in _END.split(paragraph) if piece.strip()):
            filled = _filled(sentence, component)
            is_fit = _is_whole(filled) and (may_undo or not undoes(filled))
            if not is_fit or len(" ".join([*said, filled])) > MAX_QUOTE:
                break  # what follows may speak of it
            said.append(filled)
            if len(said) == SENTENCES:
                return _joined(said)
    return _joined(said)


def undoes(text: str) -> bool:
    return _UNDOES.search(text) is not None


def _own_items(text: str, fault: str) -> str:
    """The items that are marked as the fault's; the whole text where none is."""
    items = _NEXT_ITEM.split(text)
    own = [item for item in items if any(f"`{fault}`" in found[1] for found in _ABOUT.finditer(item))]
    return "".join(own) or text


def _joined(said: Sequence[str]) -> str:
    text = ""
    for sentence in said:
        text += ("" if not text or text.endswith(("。", "！", "？")) else " ") + sentence
    return text


def _paragraphs(text: str) -> list[str]:
    """Lines that a page broke for its width, joined again; a list item, a table row and an empty line begin anew."""
    joined: list[str] = []
    fresh = True
    for line in text.splitlines():
        plain = _ITEM.sub("", line).replace("**", "").strip()
        if not plain or plain.startswith(("|", "#", "```")):
            fresh = True
        elif _COMMAND.fullmatch(plain):
            continue  # a command that stands alone belongs to a terminal
        elif fresh or _ITEM.match(line):
            joined.append(plain)
            fresh = False
        else:
            joined[-1] = f"{joined[-1]}\n{plain}"
    return [unwrapped(each) for each in joined]


def _filled(sentence: str, component: Mapping[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        return str(_known(found.group(1), component) or found.group())

    prose = _OWN_TOOL.sub("", sentence)  # the call has been made already
    return re.sub(r"：\s+", "：", _BLANK.sub(value, prose))


def _known(blank: str, component: Mapping[str, Any]) -> Any:
    """What stands for a blank: a node or a policy has a name too, but not the one of the deployment that a page speaks of."""
    kind = str(component.get("kind") or "")
    if blank in _PLACE:
        return component.get("namespace")
    stands = blank in _OBJECT if kind in _PROGRAMS else kind.lower().endswith(blank)
    return component.get("name") if stands else ""


def _is_whole(sentence: str) -> bool:
    """Ends as a sentence does, has no blank, closes its code, and is not a command alone."""
    plain = _COMMAND.sub("", sentence)
    ends = sentence.endswith((".", "!", "?", "。", "！", "？"))
    return ends and sentence.count("`") % 2 == 0 and not _BLANK.search(sentence) and len(plain.strip()) > 8
