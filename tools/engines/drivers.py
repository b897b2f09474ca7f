"""Drivers of databases, caches and queues, known by the names of their packages and errors, and the port that what they speak to serves."""

import re
from collections.abc import Iterator

_DRIVERS: dict[int, str] = {
    5432: r"psycopg|psqlexception|org\.postgresql|\bpgx?\b[:.]|pgconn|npgsql|\bpq: ",
    3306: r"pymysql|mysqldb|com\.mysql|go-sql-driver|\bmysql2?\b[/.:]|mysqlclient|mysqlconnector|org\.mariadb",
    27017: r"pymongo|mongoserver|mongo(?:socket|timeout|network)\w*(?:error|exception)|com\.mongodb|mongodb\.driver|mongoose",
    6379: r"redis\.exceptions|redisconnection|redis\.clients\.jedis|jedis\w*exception|io\.lettuce|ioredis|stackexchange\.redis|go-redis",
    5672: r"amqpconn|pika\.exceptions|com\.rabbitmq|amqplib|rabbitmq\.client|aio_?pika",
    9092: r"org\.apache\.kafka|kafkajs|confluent_kafka|librdkafka|sarama|kafka\.errors",
}
_READY = {port: re.compile(pattern, re.IGNORECASE) for port, pattern in _DRIVERS.items()}


def ports_of_drivers(text: str) -> Iterator[int]:
    """The usual ports of the servers whose drivers speak in a text."""
    for port, pattern in _READY.items():
        if pattern.search(text):
            yield port
