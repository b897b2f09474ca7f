"""Every word of the console, in both languages. A test keeps the two complete."""

from core.language import Language, Text

WORDS: dict[str, Text] = {
    "title": Text("Firstmate", "大副 Firstmate"),
    "tagline": Text("keeps the watch, says what it sees", "值守在岗，据实相告"),
    "ask": Text("Ask about the cluster, an alert, a runbook…", "问集群、告警或运维手册……"),
    "send": Text("Send", "发送"),
    "alerts": Text("Alerts", "告警"),
    "quiet": Text("No alert is firing.", "当前没有告警触发。"),
    "unchecked": Text("Rules have not been evaluated yet.", "规则尚未评估。"),
    "explain": Text("Explain", "解释"),
    "explain_question": Text("Explain this alert and propose a repair: {name}", "解释这条告警并给出修复方案：{name}"),
    "acknowledge": Text("Acknowledge", "确认"),
    "acknowledged": Text("acknowledged by {name}", "{name} 已确认"),
    "since": Text("since {time}", "自 {time}"),
    "firing": Text("firing", "触发中"),
    "pending": Text("pending", "待定"),
    "resolved": Text("resolved", "已恢复"),
    "approve": Text("Approve and carry out", "批准并执行"),
    "refuse": Text("Refuse", "拒绝"),
    "refuse_note": Text("refused in the console", "在控制台中拒绝"),
    "plan": Text("Proposed repair", "修复方案"),
    "risk": Text("Risk: {risk}", "风险：{risk}"),
    "expires": Text("valid until {time}", "有效期至 {time}"),
    "approved": Text("Approved by {name}", "{name} 已批准"),
    "refused": Text("Refused by {name}", "{name} 已拒绝"),
    "evidence": Text("Evidence ({count})", "证据（{count}）"),
    "sources": Text("Pages ({count})", "参考文档（{count}）"),
    "causes": Text("Diagnosis", "诊断"),
    "gaps": Text("Not read", "未能读取"),
    "new": Text("New conversation", "新对话"),
    "language": Text("中文", "English"),
    "dark": Text("Light or dark", "浅色或深色"),
    "login": Text("Sign in", "登录"),
    "login_hint": Text(
        "Paste a token, or use the link that was printed at the start.", "粘贴令牌，或使用启动时打印的链接。"
    ),
    "token": Text("Token", "令牌"),
    "denied": Text("This token is unknown or has expired.", "令牌无效或已过期。"),
    "expired_link": Text("This link was used already or has expired.", "链接已被使用或已过期。"),
    "welcome": Text(
        "Good watch. Ask in English or Chinese, or pick an alert on the right.",
        "值守顺利。用中文或英文提问，或从右侧选择一条告警。",
    ),
    "try_overview": Text("How is the cluster?", "集群状态如何？"),
    "try_alerts": Text("What is firing right now?", "现在有哪些告警？"),
    "try_knowledge": Text("A pod is OOMKilled: what do I check, in order?", "Pod 被 OOMKilled，应按什么顺序排查？"),
    "working": Text("working…", "处理中……"),
    "failed": Text("The run failed.", "运行失败。"),
    "healthy": Text("all parts healthy", "各组件正常"),
    "degraded": Text("degraded: {names}", "异常：{names}"),
}


def say(language: Language, word: str, **values: object) -> str:
    return WORDS[word](language, **values)
