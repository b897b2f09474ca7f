"""The stack traces of Java programs: an exception with its causes, each with the frames that a reader knows them by."""

from __future__ import annotations

import zlib

NESTED = "; nested exception is "
_ENTRY = (
    "\tat com.example.web.RequestHandler.handle(RequestHandler.java:88)",
    "\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)",
    "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
)
# The library in which an exception comes up, by the beginning of its class.
_FRAMES = {
    "java.net.UnknownHost": ("java.base/java.net.InetAddress.getAllByName0(InetAddress.java:1583)",),
    "java.net.Connect": ("java.base/sun.nio.ch.Net.pollConnect(Native Method)",),
    "java.net.SocketTimeout": ("java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:288)",),
    "java.net.Socket": ("java.base/sun.nio.ch.NioSocketImpl.implRead(NioSocketImpl.java:328)",),
    "javax.net.ssl": ("java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)",),
    "java.security": ("java.base/sun.security.provider.certpath.BasicChecker.verifyValidity(BasicChecker.java:190)",),
    "java.sql": ("com.mysql.cj.jdbc.exceptions.SQLError.createSQLException(SQLError.java:129)",),
    "com.mysql": ("com.mysql.cj.jdbc.exceptions.SQLError.createCommunicationsException(SQLError.java:174)",),
    "org.postgresql": ("org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2733)",),
    "com.rabbitmq": ("com.rabbitmq.client.impl.AMQConnection.start(AMQConnection.java:373)",),
    "redis.clients": ("redis.clients.jedis.Protocol.processError(Protocol.java:105)",),
}


def trace(error: str) -> str:
    """The lines that follow the message, without a break at the end."""
    first, *causes = error.split(NESTED)
    lines = [first, *_frames(first), *_ENTRY]
    for cause in causes:
        lines += [f"Caused by: {cause}", *_frames(cause), f"\t... {7 + zlib.crc32(cause[:24].encode()) % 30} more"]
    return "\n".join(lines)


def _frames(error: str) -> list[str]:
    known = next((frames for start, frames in _FRAMES.items() if error.startswith(start)), ())
    return [f"\tat {frame}" for frame in known]


def is_exception(error: str) -> bool:
    head = error.partition(":")[0]
    return "." in head and " " not in head
