"""What the programs of the shop say, in the other language: some teams write their logs in Chinese, and libraries stay in English."""

from __future__ import annotations

from simulator.apps import Tongue

_CHINESE = {
    "request": "处理请求",
    "dependency call failed": "调用依赖服务失败",
    "configuration loaded": "配置加载完成",
    "job done": "任务处理完成",
    "job failed": "任务处理失败",
    "memory is tight, forced a full collection": "内存不足，已触发完整垃圾回收",
    "worker pool saturated, requests are waiting": "工作线程池已满，请求正在排队",
    "invalid configuration": "配置无效",
}
_BEGINNINGS = {"starting ": "正在启动 ", "listening on ": "服务已启动，监听端口 "}


def in_tongue(tongue: Tongue, message: str) -> str:
    """The message as this team writes it; what nobody has translated stays as it is."""
    if tongue == "en":
        return message
    for english, chinese in _BEGINNINGS.items():
        if message.startswith(english):
            return chinese + message.removeprefix(english)
    return _CHINESE.get(message, message)
