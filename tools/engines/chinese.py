"""Our own English told in Chinese: what evidence says of a comparison, where a Chinese sentence quotes it.

Evidence is quoted as it is, in English, because it is what was read; a sentence that quotes words of ours, and not of a log or an object,
says them in the reader's language. Each pattern is one thing that our comparisons say; whatever none of them knows stays as it was read.
"""

import re
from functools import cache

_AMOUNT = r"\d[\w.]*"
_SAID: tuple[tuple[str, str], ...] = (
    (rf"({_AMOUNT}) asked, ({_AMOUNT}) of ({_AMOUNT}) free", r"请求 \1，可用 \2（共 \3）"),
    (rf"({_AMOUNT}) used of ({_AMOUNT}): more than it allows", r"已用 \1，上限仅 \2"),
    (r"(\d+) of (\d+) pods of revision (\d+) are not ready", r"第 \3 版的 \2 个 Pod 中有 \1 个未就绪"),
    (r"errors from ([\d.]+%?) to ([\d.]+%?) since the release", r"发布后错误率由 \1 升至 \2"),
    (r"([\d.]+)% of its (CPU|memory) limit", r"已用其 \2 上限的 \1%"),
    (r"(\S+) is already in (\S+=\S+?)(?=[)）;]|$)", r"\1 已在 \2"),
    (r"it has no label (\S+?)(?=[)）;]|$)", r"节点没有标签 \1"),
    (r"(\S+) is taken by (\S+?)(?=[)）;]|$)", r"\1 已被 \2 占用"),
    (r"volume (\S+) is bound to ", r"卷 \1 仅限于 "),
    (r"there is no Service (\S+?)(?=[)）,;]|$)", r"不存在 Service \1"),
    (r"Service (\S+) serves ([\d, ]+), not (\S+?)(?=[)）;]|$)", r"Service \1 提供端口 \2，没有 \3"),
    (r"no route leads to (\S+) any more", r"已没有通往 \1 的路由"),
    (r"not valid after ", "有效期至 "),
    (r"not valid before ", "生效时间 "),
    (r"names end in (\S+?)(?=[)）;,]|$)", r"域名以 \1 结尾"),
    (r"asks the node's resolver, which knows no Service", "使用节点的解析器，它不认识任何 Service"),
    (r"the disk of (\S+) is busy ([\d.]+)% of the time, and (\S+) writes or reads most", r"\1 的磁盘 \2% 的时间处于繁忙，其中 \3 读写最多"),
    (r"exit code (\d+), (\d+) restart\(s\)", r"退出码 \1，重启 \2 次"),
    # What could not be read.
    (r"programs refer to them, and the bundle has none", "有程序引用它们，而数据包中没有"),
    (r"the bundle has none", "数据包中没有"),
    (r"it broke off: (\w+) in (\S+)", r"检查中断：\1（\2）"),
    (r"nobody can tell which objects they are", "无法判断它们是哪些对象"),
    (r"collect them whole, as kubectl get -o json gives them", "请按 kubectl get -o json 的输出完整采集"),
    (r"report it to us", "请向我们反馈"),
    (r"grant this right; (\S+) holds all that a diagnosis reads", r"请授予该权限；诊断所需的全部权限见 \1"),
    (r"check (\w+) and that the API server can be reached", r"请检查 \1 以及 API Server 能否访问"),
    (r"check (\w+) and that it can be reached", r"请检查 \1 以及它能否访问"),
    (r"no workload and no pod was found in it", "其中没有任何工作负载和 Pod"),
    (r"name the namespace that is meant, or \* for all", "请指明正确的命名空间，或用 * 表示全部"),
    (r"add them under objects/, of Secrets the keys", "请补充到 objects/ 下（Secret 只需键名）"),
    (r"add them under objects/", "请补充到 objects/ 下"),
    (r"add answers of query_range under metrics/", "请把 query_range 的结果补充到 metrics/ 下"),
    (r"add probes\.json", "请补充 probes.json"),
    (r"logs are (\d+ \w+) (ahead of|behind) taken_at", r"日志时间与采集时间（taken_at）相差 \1"),
    (r": their programs may write local time without a zone", "：程序可能写入了不带时区的本地时间"),
    (r"let programs log in UTC or with a zone", "请让程序以 UTC 或带时区的时间写日志"),
)  # fmt: skip


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), chinese) for pattern, chinese in _SAID)


def in_chinese(text: str) -> str:
    for pattern, chinese in _patterns():
        text = pattern.sub(chinese, text)
    return text
