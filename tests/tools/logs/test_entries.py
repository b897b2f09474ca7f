"""Entries out of lines as runtimes write them: traces whole, prefixes off, times read, and nothing that hurts."""

from datetime import UTC, datetime

import pytest

from tests.patience import ended
from tools.engines.logs.digest import digest
from tools.engines.logs.entries import MAX_ENTRY, entries, moment, spoken

NINE = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
JAVA = """2026-03-02 09:00:00.123 ERROR 1 --- [main] c.z.h.pool.HikariPool : HikariPool-1 - Exception during pool initialization.
com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure
\tat com.mysql.cj.jdbc.exceptions.SQLError.createCommunicationsException(SQLError.java:174)
\tat com.mysql.cj.jdbc.ConnectionImpl.connectOneTryOnly(ConnectionImpl.java:946)
Caused by: java.net.ConnectException: Connection refused (Connection refused)
\tat java.base/java.net.PlainSocketImpl.socketConnect(Native Method)
\t... 27 common frames omitted"""
PYTHON = """Traceback (most recent call last):
  File "/app/main.py", line 3, in connect
    sock.connect(address)
ConnectionRefusedError: [Errno 111] Connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 9, in <module>
pymysql.err.OperationalError: (2003, "Can't connect to MySQL server on 'ledger'")
done"""
GO = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]

goroutine 1 [running]:
main.(*Cart).Add(0x0, 0x1)
\t/app/cart.go:12 +0x1d
main.main()
\t/app/main.go:5 +0x25
exit status 2
next"""
NODE = """Error: connect ECONNREFUSED 10.0.0.1:3306
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1494:16) {
  errno: -111,
  code: 'ECONNREFUSED'
}
next"""
DOTNET = """Unhandled exception. System.InvalidOperationException: no rates
 ---> System.Net.Http.HttpRequestException: Connection refused (rates:80)
   at System.Net.Http.HttpConnectionPool.ConnectAsync()
   --- End of inner exception stack trace ---
   at Shop.Program.Main()
next"""
RUBY = """/app/main.rb:3:in `fetch': key not found: "SMTP_HOST" (KeyError)
\tfrom /app/main.rb:3:in `<main>'
next"""


@pytest.mark.parametrize(
    ("text", "count", "kept"),
    [
        (JAVA, 2, "Connection refused"),
        (PYTHON, 2, "Can't connect to MySQL"),
        (GO, 2, "cart.go:12"),
        (NODE, 2, "ECONNREFUSED'"),
        (DOTNET, 2, "rates:80"),
        (RUBY, 2, "from /app"),
    ],
)
def test_a_trace_is_one_entry_with_its_causes(text: str, count: int, kept: str) -> None:
    found = entries(text)
    assert len(found) == count, [one.text for one in found]
    assert any(kept in one.text for one in found)


def test_of_a_long_trace_the_causes_are_kept() -> None:
    frames = "\n".join(f"\tat com.example.Deep.call{place}(Deep.java:{place})" for place in range(500))
    text = f"java.lang.RuntimeException: outer\n{frames}\nCaused by: java.net.UnknownHostException: ledger\n{frames}"
    found = entries(text)
    assert len(found) == 1
    assert "UnknownHostException: ledger" in found[0].text
    assert len(found[0].text) <= MAX_ENTRY
    assert digest(text.split("\n")).said("no_such_host")[0].target == "ledger"


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-02T09:00:01.5Z stdout F hello",
        "2026-03-02T09:00:01.5Z hello",
        '{"log":"hello\\n","stream":"stderr","time":"2026-03-02T09:00:01.5Z"}',
    ],
)
def test_what_a_container_runtime_puts_in_front_is_taken_off(line: str) -> None:
    found = entries(line)
    assert [one.text for one in found] == ["hello"]
    assert found[0].at == NINE.replace(microsecond=500_000)


def test_parts_of_a_line_that_the_runtime_cut_are_put_together() -> None:
    found = entries(
        "2026-03-02T09:00:01Z stdout P one \n2026-03-02T09:00:01Z stdout F two\n2026-03-02T09:00:02Z stdout F three"
    )
    assert [one.text for one in found] == ["one two", "three"]


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-03-02T09:00:01Z",
        "2026-03-02 09:00:01",
        "2026-03-02 09:00:01 UTC",
        "2026/03/02 09:00:01",
        "2026-03-02T10:00:01+01:00",
        "2026-03-02T14:30:01+0530",
        "[02/Mar/2026:09:00:01 +0000]",
        "1:M 02 Mar 2026 09:00:01",
        "1772442001",
        '{"ts":1772442001',
    ],
)
def test_a_time_is_read_in_the_forms_that_servers_write(stamp: str) -> None:
    assert moment(stamp) == NINE


@pytest.mark.parametrize("stamp", ["", "no time", "2026-99-99T99:99:99Z", "99/Foo/2026:09:00:01", "1" * 400])
def test_what_is_no_time_is_none(stamp: str) -> None:
    assert moment(stamp) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"level":"error","msg":"call failed","error":"dial tcp a:80: refused"}', "ERROR call failed error=dial tcp a:80: refused"),
        ('{"severity":"warning","message":"slow"}', "WARNING slow"),
        ('{"level":50,"msg":"x","err":{"code":"ECONNREFUSED"}}', 'ERROR x err={"code":"ECONNREFUSED"}'),
        ('{"t":{"$date":"2026-03-02T09:00:01Z"},"s":"E","c":"NETWORK","msg":"failed"}', "ERROR failed"),
        ('{"a":1}', '{"a":1}'),
        ('{"broken', '{"broken'),
        ("[1]", "[1]"),
    ],
)  # fmt: skip
def test_a_json_line_is_read_as_a_person_would_write_it(line: str, said: str) -> None:
    assert spoken(line)[0] == said


def test_a_json_lines_own_time_and_level_count() -> None:
    found = digest(['{"level":"error","ts":1772442001.25,"msg":"dial tcp 10.0.0.1:80: connect: connection refused"}'])
    assert found.saids[0].last == NINE.replace(microsecond=250_000)
    assert found.patterns[0].level == "error"


def test_colours_are_taken_off() -> None:
    found = digest(["\x1b[31mERROR\x1b[0m dial tcp 10.0.0.1:80: connect: \x1b[1mconnection refused\x1b[0m"])
    assert found.said("refused")[0].target == "10.0.0.1:80"


def test_a_sentence_is_counted_with_its_first_and_last_time() -> None:
    lines = [
        f"2026-03-02T09:0{minute}:00Z ERROR dial tcp 10.0.0.1:80: connect: connection refused" for minute in range(4)
    ]
    said = digest(lines).said("refused")[0]
    assert (said.count, said.first, said.last, said.line) == (
        4,
        NINE.replace(second=0),
        NINE.replace(minute=3, second=0),
        4,
    )


def test_what_was_overcome_is_told_from_what_is_still_said() -> None:
    bad = "2026-03-02T09:00:00Z ERROR dial tcp 10.0.0.1:80: connect: connection refused"
    fine = [f"2026-03-02T09:{minute:02}:00Z served" for minute in range(10, 40)]
    assert not digest([bad, *fine]).still_said("refused")
    assert digest([*fine, bad.replace("09:00", "09:40")]).still_said("refused")
    assert not digest(["connection refused", *["served"] * 50]).still_said("refused")
    assert digest(["served"] * 50 + ["connection refused"]).still_said("refused")


@pytest.mark.parametrize(
    "line",
    [
        "x" * 10_000_000,
        '{"msg":"' + "x" * 10_000_000 + '"}',
        "a." * 200_000,
        "/a" * 200_000,
        "connection refused " * 20_000,
        "listening on " * 20_000,
        "required variable " * 20_000,
        "A_" * 200_000,
        "\x1b[" * 100_000,
        '{"a":' * 100_000,
        "\x00\xff" * 100_000,
        "a-1b" * 100_000,
        "http://" * 50_000,
        "'" * 100_000,
    ],
    ids=lambda line: line[:12],
)
def test_a_hostile_line_is_read_to_its_end(line: str) -> None:
    with ended():
        digest([line, "Traceback (most recent call last):", *[line[:50_000]] * 3])


@pytest.mark.parametrize("before", ['{"event": "started", "level": "info"}', "INFO:     Application startup complete."])
def test_a_python_trace_does_not_belong_to_the_information_above_it(before: str) -> None:
    text = f"{before}\nTraceback (most recent call last):\n  File \"/app/a.py\", line 9\nKeyError: 'TENANT_ID'"
    assert len(entries(text)) == 2
    assert digest(text.split("\n")).said("missing_variable")[0].target == "TENANT_ID"
