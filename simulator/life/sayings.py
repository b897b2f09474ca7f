"""What programs say on an ordinary day, by the style of their log; the programs of the shop say it in English or in Chinese."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.apps import LogStyle


@dataclass(frozen=True)
class Saying:
    """`{n}` becomes a number below `most`."""

    level: str
    english: str
    chinese: str = ""
    most: int = 100
    field: str = ""

    def text(self, *, chinese: bool, number: int) -> str:
        return (self.chinese if chinese and self.chinese else self.english).replace("{n}", str(number))


_PROGRAMS = (
    Saying("info", "connection pool stats", "连接池状态", 8, "in_use"),
    Saying("info", "refreshed feature flags", "已刷新功能开关", 40, "flags"),
    Saying("info", "cache warmed", "缓存预热完成", 4000, "entries"),
    Saying("info", "health report sent", "健康报告已发送", 30, "took_ms"),
    Saying("debug", "garbage collection", "垃圾回收", 18, "pause_ms"),
    Saying("info", "reloaded translations", "已重新加载多语言文案", 30, "locales"),
    Saying(
        "warn",
        "client sent deprecated header X-Shop-Version",
        "客户端使用了已弃用的请求头 X-Shop-Version",
        90,
        "client",
    ),
    Saying(
        "warn",
        "clock differs from time server, within tolerance",
        "本机时钟与时间服务器有偏差，在允许范围内",
        9,
        "offset_ms",
    ),
    Saying("warn", "retrying after a stale keep-alive connection", "长连接已失效，正在重试", 2, "attempt"),
    Saying("warn", "slow consumer of the metrics endpoint", "指标接口读取较慢", 400, "took_ms"),
    Saying("warn", "configuration key legacy_rounding is deprecated", "配置项 legacy_rounding 已弃用", 5, "warnings"),
)
_EDGE = (
    Saying("notice", "signal process started"),
    Saying("warn", "an upstream response is buffered to a temporary file /var/cache/proxy_temp/{n}", most=900),
    Saying("info", "client 203.0.113.{n} closed keepalive connection", most=250),
    Saying("warn", 'conflicting server name "_" on 0.0.0.0:8080, ignored'),
)
_REDIS = (
    Saying("info", "Background saving started by pid {n}", most=900),
    Saying("info", "Background saving terminated with success"),
    Saying("info", "DB saved on disk"),
    Saying("info", "Fork CoW for RDB: current {n} MB, peak {n} MB, average {n} MB", most=6),
)
_POSTGRES = (
    Saying("info", "checkpoint starting: time"),
    Saying("info", 'automatic vacuum of table "shop.public.sessions": index scans: 1'),
    Saying("info", 'automatic analyze of table "shop.public.events"'),
    Saying(
        "info",
        "duration: 1{n}.418 ms  statement: SELECT count(*) FROM orders WHERE created_at > now() - interval '1 day'",
        most=900,
    ),
    Saying("info", "could not receive data from client: Connection reset by peer"),
    Saying("warn", "there is already a transaction in progress"),
)
_RABBITMQ = (
    Saying("info", "accepting AMQP connection (10.244.1.{n}:51234 -> 0.0.0.0:5672)", most=250),
    Saying("info", "closing AMQP connection, user: 'shop'"),
    Saying("warn", "closing AMQP connection: client unexpectedly closed TCP connection"),
    Saying("info", "queue index of vhost / was flushed, {n} segments", most=9),
)
_MYSQL = (
    Saying("info", "InnoDB: Buffer pool(s) dump completed"),
    Saying("info", "Event Scheduler: Purging the queue. {n} events", most=4),
    Saying("warn", "Aborted connection {n} to db: 'accounts' (Got timeout reading communication packets)", most=9000),
    Saying("warn", "IP address '10.244.1.{n}' could not be resolved: Name or service not known", most=250),
)
SAYINGS: dict[LogStyle, tuple[Saying, ...]] = {
    "access": _EDGE,
    "logfmt": _PROGRAMS,
    "json": _PROGRAMS,
    "plain": _PROGRAMS,
    "spring": _PROGRAMS,
    "nested": _PROGRAMS,
    "redis": _REDIS,
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "rabbitmq": _RABBITMQ,
}
SCANNED = (
    *("/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/actuator/env", "/admin/", "/xmlrpc.php"),
    *("/favicon.ico", "/robots.txt", "/apple-touch-icon.png", "/boaform/admin/formLogin", "/cgi-bin/luci"),
)
LAST_WORDS = "unhandled end of stream in a background task, shutting down"
LAST_WORDS_CHINESE = "后台任务的数据流意外结束，进程即将退出"
