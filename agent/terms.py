"""States, risks and severities as words for a reader: what the rooms write for machines is never shown raw.

A word that is not known here is a foreign system's own and stays as it is.
"""

from core.language import Language, Text

_TERMS = {
    "firing": Text("firing", "正在触发"),
    "pending": Text("about to fire", "即将触发"),
    "resolved": Text("resolved", "已恢复"),
    "inactive": Text("not firing", "未触发"),
    "critical": Text("critical", "严重"),
    "warning": Text("warning", "警告"),
    "info": Text("information", "提示"),
    "low": Text("low", "低"),
    "medium": Text("medium", "中"),
    "high": Text("high", "高"),
    "proposed": Text("waiting for approval", "等待批准"),
    "approved": Text("approved, not yet carried out", "已批准，尚未执行"),
    "applying": Text("being carried out", "执行中"),
    "verifying": Text("carried out, being verified", "已执行，验证中"),
    "undoing": Text("being taken back", "撤销中"),
    "succeeded": Text("done and verified", "已完成并通过验证"),
    "undone": Text("carried out and taken back", "已执行，随后撤销"),
    "failed": Text("failed", "失败"),
    "rejected": Text("refused", "已拒绝"),
    "expired": Text("expired", "已过期"),
    "superseded": Text("void, because things changed meanwhile", "已作废（情况已变化）"),
}


def term(word: str, language: Language) -> str:
    said = _TERMS.get(word)
    return said(language) if said else word


def moment(stamp: str) -> str:
    """An ISO time as people read it, to the minute; times here are all UTC."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if len(stamp) >= 16 and stamp[10:11] == "T" else stamp
