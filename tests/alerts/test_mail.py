"""Mail: what a mailbox gets, what a mail server may refuse, and one that hangs or talks for ever."""

import asyncio
import contextlib
import email
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from types import MappingProxyType
from typing import Any

import pytest
import structlog

from alerts.notify.channels.email import EmailChannel, Post
from core.clock import ManualClock
from core.errors import Upstream
from core.redact import Redactor
from tests.alerts.night import EVENING
from tests.alerts.test_channels import alert, message

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass
class MailServer:
    """As much of SMTP as a sender needs, on loopback; refuses as it is told to."""

    refuses: dict[str, bytes] = field(default_factory=dict)
    talks_on: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.talks_on:
            # A greeting that never ends, each line well within the deadline of a step.
            writer.write(b"220-and another thing\r\n")
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line[:4].upper().decode()
            if verb == "DATA" and verb not in self.refuses:
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                read = email.message_from_bytes(text, policy=SMTP)
                self.mails.append(read)
            writer.write(self.refuses.get(verb, b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n"))
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()


@pytest.fixture
async def mailbox() -> AsyncIterator[MailServer]:
    box = MailServer()
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()


def mailer(box: MailServer, more: Mapping[str, Any] = NOTHING, **said: Any) -> EmailChannel:
    usual: dict[str, Any] = {"sender": "Firstmate <mate@example.com>", "to": ("mei@example.com",), "require_tls": False}
    return EmailChannel(
        "team/email[0]", Post("127.0.0.1", box.port, **{**usual, **said}), clock=ManualClock(EVENING), timeout=5, **more
    )


async def test_a_mail_has_text_and_html_and_a_thread_of_its_group(mailbox: MailServer) -> None:
    channel = mailer(mailbox)
    for key in ("k1", "k2"):
        await channel.send(message(alert(summary="a <b>is</b> down")), key=key)
    first, second = mailbox.mails
    assert first["Subject"] == "[FIRING:1] Trouble - a <b>is</b> down"
    assert (first["Message-ID"], second["Message-ID"]) == ("<k1@example.com>", "<k2@example.com>")
    assert first["References"] == second["References"]
    kinds = {part.get_content_type(): part.get_content() for part in first.iter_parts()}
    assert "a &lt;b&gt;is&lt;/b&gt; down" in kinds["text/html"]
    assert "since 2026-03-02 21:00:00 UTC" in kinds["text/plain"]


@pytest.mark.parametrize(
    ("verb", "answer", "retryable"),
    [
        ("RCPT", b"550 nobody of that name\r\n", False),
        ("RCPT", b"450 try later\r\n", True),
        ("MAIL", b"421 busy\r\n", True),
        ("DATA", b"554 looks like spam\r\n", False),
    ],
)
async def test_a_mail_server_may_refuse_for_now_or_for_good(
    mailbox: MailServer, verb: str, answer: bytes, retryable: bool
) -> None:
    mailbox.refuses[verb] = answer
    with pytest.raises(Upstream) as refused:
        await mailer(mailbox).send(message(), key="k")
    assert refused.value.retryable is retryable


async def test_a_mail_is_not_sent_in_clear_where_tls_is_required(mailbox: MailServer) -> None:
    with pytest.raises(Upstream, match="does not offer"):
        await mailer(mailbox, require_tls=True).send(message(), key="k")
    assert mailbox.mails == []


async def test_a_mail_server_that_is_not_there_may_come_back() -> None:
    with pytest.raises(Upstream) as refused:
        await mailer(MailServer(port=1)).send(message(), key="k")
    assert refused.value.retryable


async def test_a_mail_server_that_never_comes_to_the_point_is_given_up_and_delays_no_other(mailbox: MailServer) -> None:
    mailbox.talks_on = True
    clock = ManualClock(EVENING)
    usual = Post("127.0.0.1", mailbox.port, "mate@example.com", ("mei@example.com",), require_tls=False)
    channel = EmailChannel("team/email[0]", usual, clock=clock, timeout=5)
    sending = asyncio.create_task(channel.send(message(), key="k"))
    await asyncio.sleep(0.05)
    await clock.advance(15)
    with pytest.raises(Upstream, match="did not answer within 15 s") as given_up:
        await sending
    assert given_up.value.retryable
    mailbox.talks_on = False
    await channel.close()


@pytest.mark.parametrize(("language", "words"), [("en", "a is in trouble"), ("zh", "a 出问题了")])
async def test_a_mail_speaks_the_readers_language(mailbox: MailServer, language: Any, words: str) -> None:
    await mailer(mailbox, {"language": language}).send(message(), key="k")
    assert words in str(mailbox.mails[0]["Subject"])


async def test_a_mail_hides_what_a_system_blurted_out(mailbox: MailServer, redactor: Redactor) -> None:
    channel = mailer(mailbox, {"redact": redactor.value})
    await channel.send(message(alert(summary="password=hunter2-hunter2 was tried")), key="k")
    whole = "".join(part.get_content() for part in mailbox.mails[0].iter_parts()) + mailbox.mails[0]["Subject"]
    assert "hunter2" not in whole
    assert "was tried" in whole


async def test_no_error_of_a_mail_server_shows_the_password(mailbox: MailServer) -> None:
    mailbox.refuses["AUTH"] = b"535 no such user\r\n"
    mailbox.refuses["EHLO"] = b"250-here\r\n250 AUTH PLAIN\r\n"
    with structlog.testing.capture_logs() as lines, pytest.raises(Upstream) as refused:
        await mailer(mailbox, username="mate", password="s3cret-word").send(message(), key="k")
    assert not refused.value.retryable
    assert "s3cret" not in refused.value.sentence + str(lines)
