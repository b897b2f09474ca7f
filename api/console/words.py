"""Every word of the console, in both languages. A test keeps the two complete."""

from api.console.pages.learned_words import LEARNED
from api.console.pages.words import PAGES
from core.language import Language, Text

WORDS: dict[str, Text] = (
    {
        "title": Text("Firstmate", "大副 Firstmate"),
        "tagline": Text("keeps the watch, says what it sees", "值守在岗，据实相告"),
        "ask": Text("Ask about the cluster, an alert, a runbook…", "问集群、告警或运维手册……"),
        "send": Text("Send", "发送"),
        "conversation": Text("Conversation", "对话"),
        "alerts": Text("Alerts", "告警"),
        "quiet": Text("No alert is firing.", "当前没有告警触发。"),
        "calm": Text("All quiet. What fires will be shown here.", "一切平静。告警触发后会显示在这里。"),
        "earlier": Text("Recently resolved ({count})", "最近已恢复（{count}）"),
        "explain": Text("Explain", "解释"),
        "explain_question": Text(
            "Explain this alert and propose a repair: {name}", "解释这条告警并给出修复方案：{name}"
        ),
        "acknowledge": Text("Acknowledge", "确认"),
        "acknowledged": Text("{name} has it", "{name} 已确认"),
        "firing": Text("firing", "触发中"),
        "pending": Text("pending", "待定"),
        "resolved": Text("resolved", "已恢复"),
        "now": Text("just now", "刚刚"),
        "seconds_ago": Text("{n} s ago", "{n} 秒前"),
        "minutes_ago": Text("{n} min ago", "{n} 分钟前"),
        "hours_ago": Text("{n} h ago", "{n} 小时前"),
        "days_ago": Text("{n} d ago", "{n} 天前"),
        "approve": Text("Approve and carry out", "批准并执行"),
        "refuse": Text("Refuse", "拒绝"),
        "refuse_note": Text("refused in the console", "在控制台中拒绝"),
        "plan": Text("Proposed repair", "修复方案"),
        "risk": Text("{risk} risk", "风险：{risk}"),
        "low": Text("low", "低"),
        "medium": Text("medium", "中"),
        "high": Text("high", "高"),
        "effect": Text("Effect", "效果"),
        "reach": Text("Reach", "影响范围"),
        "check": Text("Checked after", "事后验证"),
        "way_back": Text("Way back", "回退"),
        "change": Text("Change", "变更内容"),
        "valid": Text("Waits for your word for {minutes} min more.", "等待您的决定，{minutes} 分钟内有效。"),
        "overdue": Text("The time for a word on this plan has passed.", "该方案的批准期限已过。"),
        "approved": Text("Approved by {name}", "{name} 已批准"),
        "refused": Text("Refused by {name}", "{name} 已拒绝"),
        "may_not": Text(
            "{name} is signed in as {role}. Approving or refusing needs the role operator.",
            "{name} 的角色是 {role}。批准或拒绝方案需要 operator 角色。",
        ),
        "evidence": Text("Evidence ({count})", "证据（{count}）"),
        "causes": Text("Diagnosis", "诊断"),
        "gaps": Text("Not read", "未能读取"),
        "new": Text("New conversation", "新对话"),
        "language": Text("中文", "EN"),
        "dark": Text("Light or dark", "浅色或深色"),
        "account": Text("Account", "账户"),
        "login": Text("Sign in", "登录"),
        "logout": Text("Sign out", "退出登录"),
        "login_hint": Text(
            "Paste a token, or use the link that was printed at the start.", "粘贴令牌，或使用启动时打印的链接。"
        ),
        "token": Text("Token", "令牌"),
        "denied": Text("This token is unknown or has expired.", "令牌无效或已过期。"),
        "expired_link": Text("This link was used already or has expired.", "链接已被使用或已过期。"),
        "welcome": Text("Good watch.", "值守顺利。"),
        "welcome_more": Text(
            "Ask in English or Chinese, or take an alert and press Explain.",
            "用中文或英文提问，或选择一条告警并点击“解释”。",
        ),
        "try_overview": Text("How is the cluster?", "集群健康吗？"),
        "try_alerts": Text("What is firing right now?", "现在有哪些告警？"),
        "try_knowledge": Text("A pod is OOMKilled: what do I check, in order?", "Pod 被 OOMKilled，怎么排查？"),
        "working": Text("working…", "处理中……"),
        "bug": Text(
            "This did not work, for a reason of our own; the log has the details.",
            "操作失败，原因在我们自身；详情见日志。",
        ),
        "healthy": Text("all parts healthy", "各组件正常"),
        "checking": Text("checking…", "检查中……"),
        "degraded": Text("degraded: {names}", "异常：{names}"),
        "unreachable": Text("{names} cannot be reached.", "无法连接 {names}。"),
        "stale": Text(
            "The alerts shown are as of {ago}; nothing is resolved while it cannot be read.",
            "所示告警为 {ago} 的状态；在无法读取期间不会判定任何告警恢复。",
        ),
        "lost": Text("Connection lost.", "连接已断开。"),
        "again": Text("Trying to reconnect…", "正在尝试重新连接……"),
    }
    | PAGES
    | LEARNED
)
_SPANS = ((60, "seconds_ago", 1), (3_600, "minutes_ago", 60), (86_400, "hours_ago", 3_600))


def say(language: Language, word: str, **values: object) -> str:
    return WORDS[word](language, **values)


def ago(language: Language, seconds: float) -> str:
    if seconds < 5:
        return say(language, "now")
    for most, word, unit in _SPANS:
        if seconds < most:
            return say(language, word, n=int(seconds // unit))
    return say(language, "days_ago", n=int(seconds // 86_400))


def known(language: Language, word: str) -> str:
    """In the reader's language where it is one of our words, else as it came."""
    return say(language, word) if word in WORDS else word
