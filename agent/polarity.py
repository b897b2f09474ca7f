"""Whether two clauses about the same thing say the opposite: one negates what the other does not, or says raise where it says lower."""

import re

_NOT_EN = re.compile(
    r"\b(?:not|never|no|none|nothing|nobody|neither|nor|cannot|without|unable|stop(?:s|ped)? being|avoid|refrain)\b|n't\b|\bfree of\b", re.IGNORECASE
)  # fmt: skip
_NOT_ZH = re.compile(
    r"不(?!了|到|上|出|下来|同|过|断|久|仅|光|但|止|妨|得不|论|管|可用|停|少|一致|匹配|等)|没有?|未(?!来)|无(?!论|状态|头)|勿|别(?!的|人|处|名)|绝不|禁止|切忌|避免|并非|从不|尚未"
)
_NEVER_NEGATES = re.compile(
    r"\bnot only\b|\bno matter\b|\bno longer than\b|\bnot ?ready\b|\bNotReady\b|\bno space left\b|\bno such\b|\bno endpoints?\b|"
    r"\bcannot be scheduled\b|\bwithout (?:downtime|delay|restart)\b|没有端点|就绪不",
    re.IGNORECASE,
)
_OPPOSITES: tuple[tuple[str, str], ...] = (
    (r"\brais\w+|\bincreas\w+|\bgrow\w*|\bscal\w+ (?:out|up)\b|\bhigher\b|调高|提高|增加|增大|升高|升到|扩大|扩容|上调", r"\blower\w*|\bdecreas\w+|\breduc\w+|\bshrink\w*|\bscal\w+ (?:in|down)\b|调低|降低|减少|减小|缩小|缩容|下调|降到|降为|降至"),
    (r"\bbefore\b|之前|以前|前先", r"\bafter\b|\bafterwards\b|之后|以后"),
    (r"\benabl\w+|\bturn(?:ed)? on\b|启用|开启|打开", r"\bdisabl\w+|\bturn(?:ed)? off\b|禁用|关闭|停用"),
    (r"\bmore\b|\babove\b|\bexceed\w*|\bover\b|\bat least\b|超过|高于|大于|至少", r"\bless\b|\bfewer\b|\bbelow\b|\bunder\b|\bat most\b|低于|小于|少于|不超过|至多"),
    (r"\badd\w*|\battach\w*|添加|加上|增加", r"\bremov\w+|\bdrop\w*|\bdetach\w*|去掉|删除|移除|拿掉"),
    (r"\bcreat\w+|创建|新建", r"\bdelet\w+|\bdestroy\w*|删除|删掉|销毁"),
    (r"\balways\b|总是|务必|一定要", r"\bnever\b|从不|绝不|永远不"),
    (r"\bcordon\w*", r"\buncordon\w*"),
    (r"\ballow\w*|\bpermit\w*|允许|放行", r"\bden(?:y|ies|ied)\b|\bblock\w*|\bforbid\w*|\brefus\w+|拒绝|阻止|禁止"),
    (r"\bfast\w*|\bquick\w*|\bimmediately\b|立即|马上|很快", r"\bslow\w*|缓慢|慢慢|逐渐"),
    (r"\bsucceed\w*|\bsuccess\w*|成功", r"\bfail\w*|失败"),
    (r"\bfirst\b|首先|最先|在前|放前|前面", r"\blast\b|最后|在后|放后|后面"),
    (r"\bhealthy\b|健康", r"\bunhealthy\b|不健康"),
    (r"\bthe container\b|是容器", r"\bnot the container\b|不是容器"),
    (r"\bsafe\w*|安全", r"\bdangerous\b|\bunsafe\b|危险|不安全"),
    (r"\bincluded?\b|包括|包含", r"\bexclud\w+|排除|不包括"),
    (r"\bold\b|\bprevious\b|旧|上一", r"\bnew\b|\bnext\b|新|下一"),
)  # fmt: skip
_PAIRS = tuple((re.compile(one, re.IGNORECASE), re.compile(other, re.IGNORECASE)) for one, other in _OPPOSITES)


def negates(clause: str) -> bool:
    """An even number of negations takes itself back."""
    plain = _NEVER_NEGATES.sub(" ", clause)
    return (len(_NOT_EN.findall(plain)) + len(_NOT_ZH.findall(plain))) % 2 == 1


def acts(clause: str) -> frozenset[str]:
    """The sides of the pairs that it speaks on, as terms that are the same in both languages; both sides together say nothing."""
    found: set[str] = set()
    for number, (one, other) in enumerate(_PAIRS):
        sides = {side for side, pattern in (("+", one), ("-", other)) if pattern.search(clause)}
        found |= {f"{number}{side}" for side in sides} if len(sides) == 1 else set()
    return frozenset(found)


def opposed(said: frozenset[str], written: frozenset[str]) -> bool:
    """Whether, of two clauses' acts, one is the other's opposite."""
    return any(act[:-1] + ("-" if act.endswith("+") else "+") in written for act in said)
