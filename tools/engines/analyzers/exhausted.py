"""What a program says when it has run out of threads or files, or stands still: the log's side of faults that metrics show as well.

A deadlock of database transactions is none of these: the database breaks it, and the transaction is tried again.
"""

from collections.abc import Iterable

from core.language import Text
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.heard import as_evidence, heard
from tools.engines.snapshot import Snapshot

_FAULTS: tuple[tuple[str, dict[str, float], Text], ...] = (
    (
        "thread_exhaustion",
        {"thread_exhaustion": 0.75},
        Text(
            "cannot start another thread. Find what starts them without end, or raise its process limit.",
            "无法再创建线程。请排查线程为何不断增加，或提高进程数上限。",
        ),
    ),
    (
        "file_descriptor_exhaustion",
        {"too_many_open_files": 0.75},
        Text(
            "has too many files or sockets open. Find what does not close them, or raise its limit.",
            "打开的文件或套接字过多。请排查未关闭的句柄，或提高上限。",
        ),
    ),
    (
        "deadlock",
        {"deadlock": 0.75, "stuck": 0.55},
        Text(
            "stands still: its threads wait for each other. A restart helps for a while; take a thread dump first.",
            "已停止前进：线程互相等待。重启只能暂时缓解，请先保存线程转储。",
        ),
    ),
    (
        "memory_leak",
        {"out_of_memory": 0.3},
        Text(
            "runs out of memory by its own account. Compare its heap with its limit, and look for what it keeps.",
            "自身报告内存不足。请对比堆大小与内存限制，并排查未释放的对象。",
        ),
    ),
)


def programs_that_say_they_ran_out(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.speakers:
        for fault, meanings, words in _FAULTS:
            lines = heard(snapshot, program, *meanings)
            if not lines:
                continue
            weight = max(meanings[one.said.meaning] for one in lines)
            yield Finding(
                fault=fault,
                category="runtime",
                component=program.component,
                words=Text(f"{program.component} {words.en}", f"{program.component} {words.zh}"),
                evidence=as_evidence(lines, weight),
                onset=min((one.said.first for one in lines if one.said.first), default=None),
            )
