"""E-mail over SMTP: one message with plain text and HTML, by the settings Alertmanager's file has for it.

The standard library speaks SMTP well and waits while it does, so a message is sent in a thread of the channel's own, with a deadline on
every step and one on all of them. TLS is asked for unless the file says otherwise, and a server that does not offer it is not written
to in clear. A refusal for good (5xx) is the server's last word, one for now (4xx), a timeout or a lost connection may pass. The
idempotency key becomes the Message-ID, so a message that was sent twice is shown once by most mailboxes; messages of one group refer to
one thread. A picture travels in the mail, since mailboxes fetch nothing unasked.
"""

import hashlib
import html
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr
from typing import Any, cast

from alerts.fields import expect_fields, text
from alerts.notify.channels import Shared, Written
from alerts.notify.channels.settings import secret_of
from alerts.notify.channels.threads import Threads
from alerts.notify.letter import Entry, Letter, facts_line, letter
from alerts.notify.message import Message
from alerts.pictures.picture import NoPictures, Picture, Pictures
from core.clock import Clock
from core.errors import Invalid, Upstream
from core.language import Language

_FIELDS = (
    "send_resolved",
    "to",
    "from",
    "smarthost",
    "hello",
    "auth_username",
    "auth_password",
    "auth_password_file",
    "require_tls",
    "language",
    "picture",
)
_COLOURS = {"critical": "#b3261e", "error": "#b3261e", "warning": "#a86b00", "info": "#3b6fb6"}
_IMPLICIT_TLS = 465
AT_ONCE = 4
STEPS = 3
"""A talk with a mail server has many steps, each with the deadline; all of them together have three."""


@dataclass(frozen=True, slots=True)
class Post:
    """How mail leaves: the server, who we are to it, and whom it is for."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    """Nobody, where a template says it for each message."""
    username: str = ""
    password: str = ""
    require_tls: bool = True
    hello: str = "localhost"


class EmailChannel:
    kind = "email"

    def __init__(
        self,
        name: str,
        post: Post,
        *,
        clock: Clock,
        language: Language = "en",
        timeout: float = 10.0,
        redact: Callable[[Any], Any] = lambda body: body,
        pictures: Pictures | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self._post = post
        self._language = language
        self._timeout = timeout
        self._redact = redact
        self._pictures = pictures or NoPictures()
        self._context = context
        self._threads = Threads(f"The mail server {post.host}", clock, STEPS * timeout, AT_ONCE)

    async def send(self, message: Message, *, key: str) -> str:
        read = letter(message, self._language)
        mail = self._mail(read, message.group_key, key, await self._pictures.show(message.question))
        system = f"The mail server {self._post.host}"
        try:
            await self._threads.call(self._deliver, mail, self._recipients(read))
        except smtplib.SMTPResponseException as error:
            said = (
                error.smtp_error.decode("utf-8", "replace")
                if isinstance(error.smtp_error, bytes)
                else str(error.smtp_error)
            )
            words = f"answered {error.smtp_code}: {said[:200]}"
            raise Upstream(system, words, retryable=error.smtp_code < 500, status=error.smtp_code) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise Upstream(system, f"refused every recipient ({codes[0]})", retryable=min(codes) < 500) from None
        except smtplib.SMTPNotSupportedError:
            raise Upstream(
                system, "does not offer what the settings require (TLS or a login)", retryable=False
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise Upstream(
                system, f"has a certificate that cannot be trusted: {error.verify_message}", retryable=False
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise Upstream(system, f"could not be reached ({type(error).__name__})", retryable=True) from None
        return "accepted"

    async def close(self) -> None:
        self._threads.close()

    def _recipients(self, read: Letter) -> tuple[str, ...]:
        """Whom the file names, by a template too; if that names nobody, there is nobody to write to."""
        if self._post.to:
            return self._post.to
        try:
            found = _recipients(read.words.get("to", ""), "the template of")
        except Invalid as error:
            raise Upstream("E-mail", f"has no recipient: {error.sentence}", retryable=False) from None
        if not found:
            raise Upstream("E-mail", "has no recipient: the template of `to` names nobody", retryable=False)
        return found

    def _deliver(self, mail: EmailMessage, to: tuple[str, ...]) -> None:
        post = self._post
        context = self._context or ssl.create_default_context()
        implicit = post.port == _IMPLICIT_TLS
        server: smtplib.SMTP = (
            smtplib.SMTP_SSL(post.host, post.port, local_hostname=post.hello, timeout=self._timeout, context=context)
            if implicit
            else smtplib.SMTP(post.host, post.port, local_hostname=post.hello, timeout=self._timeout)
        )
        with server:
            if post.require_tls and not implicit:
                server.starttls(context=context)
            if post.username:
                server.login(post.username, post.password)
            server.send_message(mail, from_addr=parseaddr(post.sender)[1], to_addrs=list(to))

    def _mail(self, read: Letter, group_key: str, key: str, picture: Picture | None) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        domain = parseaddr(self._post.sender)[1].rpartition("@")[2] or "firstmate"
        mail["Subject"] = " ".join(str(self._redact(read.words.get("headers.Subject") or read.title)).split())
        mail["From"] = self._post.sender
        mail["To"] = ", ".join(self._recipients(read))
        mail["Message-ID"] = f"<{key}@{domain}>"
        mail["References"] = f"<{hashlib.sha256(group_key.encode()).hexdigest()[:32]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        _headers(mail, read, self._redact)
        mail.set_content(str(self._redact(read.text())))
        content_id = f"{picture.id}@{domain}" if picture else ""
        chart = _chart(content_id, picture.caption(self._language)) if picture else ""
        shown = (
            _below(read.words["html"], chart)
            if "html" in read.words
            else page(read, chart)
            if read.body is None
            else ""
        )
        if shown.strip():
            mail.add_alternative(str(self._redact(shown)), subtype="html")
        if shown.strip() and picture:
            whole = cast("list[EmailMessage]", mail.get_payload())[-1]
            whole.add_related(
                picture.png, "image", "png", cid=f"<{content_id}>", filename="chart.png", disposition="inline"
            )
        return mail


class EmailBuilder:
    kind = "email"
    sends_resolved = False

    def __call__(self, name: str, written: Written, shared: Shared) -> EmailChannel:
        expect_fields(written.values, _FIELDS, written.where)
        username = _either(written, "auth_username", "smtp_auth_username")
        to = text(written.values.get("to"), written.where, "to")
        post = Post(
            *_smarthost(_either(written, "smarthost", "smtp_smarthost"), written.where),
            sender=_address(_either(written, "from", "smtp_from"), written.where, "from"),
            to=() if "{{" in to else _recipients(to, written.where),
            username=username,
            password=secret_of(written, shared, "auth_password", default="smtp_auth_password") if username else "",
            require_tls=_flag(written, "require_tls", "smtp_require_tls"),
            hello=_either(written, "hello", "smtp_hello") or "localhost",
        )
        return EmailChannel(
            name,
            post,
            clock=shared.clock,
            language=written.language(shared),
            timeout=shared.timeout,
            redact=shared.redact,
            pictures=written.pictures(shared),
        )


def _headers(mail: EmailMessage, read: Letter, redact: Callable[[Any], Any]) -> None:
    """The user's own, in place of ours."""
    for path, words in read.words.items():
        _, dot, name = path.partition("headers.")
        line = " ".join(str(redact(words)).split())
        if not dot or not line or name == "Subject":
            continue
        del mail[name]
        mail[name] = line


def page(read: Letter, chart: str = "") -> str:
    """Inline styles only: most mailboxes drop everything else. `chart` is markup that is put in as it is."""
    colour = _COLOURS.get(read.severity, "#a86b00") if read.status == "firing" else "#2e7d4f"
    shared = f'<p style="color:#555">{html.escape(facts_line(read.shared))}</p>' if read.shared else ""
    entries = "".join(_entry(entry) for entry in read.entries)
    more = f"<p>{html.escape(read.more)}</p>" if read.more else ""
    return (
        '<div style="font-family:system-ui,sans-serif;max-width:640px">'
        f'<h2 style="border-left:6px solid {colour};padding-left:10px;font-size:18px">{html.escape(read.title)}</h2>'
        f'{shared}{chart}{entries}{more}<p style="color:#888;font-size:12px">{html.escape(read.footer)}</p></div>'
    )


def _below(written: str, chart: str) -> str:
    """The user's own page says what it says; the picture stands at its end."""
    if not written.strip():
        return ""
    place = written.lower().rfind("</body>")
    return f"{written[:place]}{chart}{written[place:]}" if place >= 0 else f"{written}{chart}"


def _chart(content_id: str, caption: str) -> str:
    said = html.escape(caption)
    return (
        f'<img src="cid:{content_id}" alt="{said}" width="640" style="width:100%;max-width:640px;height:auto;border:1px solid #e6eaee">'
        f'<div style="color:#888;font-size:12px">{said}</div>'
    )


def _entry(entry: Entry) -> str:
    summary = html.escape(entry.summary)
    if entry.link.startswith(("http://", "https://")):
        summary = f'<a href="{html.escape(entry.link)}">{summary}</a>'
    rest = [entry.description, facts_line(entry.facts), entry.since]
    lines = "".join(f'<div style="color:#555;font-size:13px">{html.escape(line)}</div>' for line in rest if line)
    return f'<div style="margin:12px 0"><strong>{summary}</strong>{lines}</div>'


def _either(written: Written, own: str, default: str) -> str:
    value = written.values.get(own) or written.defaults.get(default) or ""
    if not isinstance(value, str):
        raise Invalid(f"{written.where} {own} must be text.", field=own)
    return value


def _flag(written: Written, own: str, default: str) -> bool:
    value = written.values.get(own, written.defaults.get(default, True))
    if not isinstance(value, bool):
        raise Invalid(f"{written.where} {own} must be true or false.", field=own)
    return value


def _smarthost(value: str, where: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise Invalid(f"{where} smarthost must be written as host:port.", field="smarthost")
    return host.strip("[]"), int(port)


def _address(value: str, where: str, field: str) -> str:
    name, address = parseaddr(value)
    if "@" not in address or any(sign in value for sign in "\r\n"):
        raise Invalid(f"{where} {field} is no e-mail address.", field=field)
    return formataddr((name, address)) if name else address


def _recipients(value: str, where: str) -> tuple[str, ...]:
    return tuple(_address(each.strip(), where, "to") for each in value.split(",") if each.strip())
