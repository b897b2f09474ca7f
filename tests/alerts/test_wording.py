"""A message in the user's own words: for each vendor, in each language, from files, and when a template fails."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Alert
from alerts.notify.channels import Channel, Shared
from alerts.notify.channels.email import EmailChannel
from alerts.notify.channels.slack.bot import SlackBot
from alerts.notify.channels.slack.look import shown
from alerts.notify.letter import letter
from alerts.notify.message import Message, Said, compose
from alerts.notify.wording import WORDS, Worded, split
from alerts.notify.workshop import build_channels, limits_of
from alerts.routing.config import parse_config
from alerts.templating.data import data_of
from alerts.templating.library import Library
from core.clock import ManualClock
from core.errors import Invalid, Upstream
from core.language import Language
from tests.alerts.night import EVENING
from tests.alerts.test_channels import VENDORS, alert, good, message
from tests.alerts.test_mail import MailServer, mailbox, mailer  # noqa: F401 - a fixture

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def said(kind: str, values: dict[str, Any], *files: tuple[str, str], language: Language = "en") -> Said:
    _, wording = split(kind, values, "here:", language, Library(language, files))
    return wording.say(message())


def channels(entry: str, folder: Path, top: str = "") -> list[Channel]:
    written = f"{top}\nroute: {{receiver: a}}\nreceivers:\n- name: a\n  {entry}"
    return build_channels(parse_config(written, "am.yml", str(folder)), Shared(ManualClock(EVENING)))[1]


def test_a_field_is_said_in_the_words_of_its_template() -> None:
    values = {"title": "{{ .Status | toUpper }} {{ .CommonLabels.alertname }}", "text": "plain"}
    assert said("feishu", values).fields == {"title": "FIRING Trouble", "text": "plain"}


def test_a_field_of_the_receivers_language_goes_before_the_common_one() -> None:
    values = {"title": "common", "title_zh": "中文 {{ .Receiver }}", "text_en": "English"}
    assert said("dingtalk", values, language="zh").fields == {"title": "中文 phone"}
    assert said("dingtalk", values).fields == {"title": "common", "text": "English"}


def test_where_nothing_is_written_there_are_no_words_and_the_channel_is_bare(tmp_path: Path) -> None:
    (channel,) = channels('feishu_configs: [{url: "https://open.example.com/x"}]', tmp_path)
    assert not isinstance(channel, Worded)
    (channel,) = channels('feishu_configs: [{url: "https://open.example.com/x", title: x}]', tmp_path)
    assert isinstance(channel, Worded)


def test_a_file_that_changes_a_template_changes_every_field_that_uses_it() -> None:
    file = ("mine.tmpl", '{{ define "__subject" }}!{{ .Status }}{{ end }}')
    assert said("email", {}, file).fields["headers.Subject"] == "!firing"
    assert said("feishu", {}, file).fields == {"title": "!firing"}
    assert said("slack", {}, file).fields == {"title": "!firing", "fallback": "!firing | http://firstmate/alerts"}
    assert said("feishu", {}, ("mine.tmpl", '{{ define "mine" }}x{{ end }}')).fields == {}


def test_what_fails_leaves_the_fields_that_are_plain_and_says_why() -> None:
    values = {"username": "Night watch", "title": "{{ .Status }}", "text": "{{ index .Alerts 7 }}"}
    found = said("slack", values)
    assert found.fields == {"username": "Night watch"}
    assert found.failure == "text: here: text, line 1: error calling index: index out of range: 7"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_failure_stands_at_the_foot_of_our_own_letter(language: Language) -> None:
    read = letter(replace(message(), said=Said(failure="title: it broke")), language)
    usual = letter(message(), language)
    assert replace(read, footer=usual.footer) == usual
    assert read.footer.startswith(usual.footer)
    assert read.footer.endswith(": title: it broke")


def test_words_are_not_kept_with_a_message() -> None:
    spoken = replace(message(), said=Said({"title": "x"}))
    assert "said" not in spoken.to_json()
    assert Message.from_json(spoken.to_json()) == message()


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (
            "title: '{{ .Status'",
            "am.yml, receivers[0] 'a', slack_configs[0]: title, line 1: {{ is opened and not closed.",
        ),
        ("title: '{{ nosuch . }}'", "the function nosuch is not known"),
        ("title: '{{ .Alertz }}'", ".Alertz is not known; there are .Receiver"),
        ("text: 'a\n\n  {{ template \"slack.defalt.text\" . }}'", "Did you mean 'slack.default.text'?"),
        ("title: {a: b}", "title must be a text"),
        ("fields: [{title: [x]}]", "fields.0.title must be a text"),
        ("titel: x", "unknown field titel"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_with_its_place(written: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        channels(f"slack_configs:\n  - api_url: https://hooks.example.com\n    {written}", tmp_path)
    assert complaint in refused.value.sentence


def test_template_files_are_named_from_the_folder_of_the_file_and_refused_if_bad_used_or_not(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "good.tmpl").write_text('{{ define "mine" }}mine{{ end }}')
    entry = 'feishu_configs: [{url: "https://open.example.com/x", title: \'{{ template "mine" . }}\'}]'
    assert channels(entry, tmp_path, "templates: ['t/*.tmpl', 'none/*.tmpl']")
    (tmp_path / "t" / "bad.tmpl").write_text('a\n{{ define "b" }}\n{{ if }}{{ end }}{{ end }}')
    with pytest.raises(Invalid, match=r"bad\.tmpl, line 3: a value is missing for if"):
        channels(entry, tmp_path, "templates: ['t/*.tmpl']")


async def test_slack_in_the_users_words_is_alertmanagers_attachment() -> None:
    values = {
        "channel": "#{{ .CommonLabels.namespace }}",
        "title": "{{ .Status }}",
        "text": "<http://x|{{ .Receiver }}>",
        "color": '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
        "fields": [{"title": "Where", "value": "{{ .CommonLabels.namespace }}", "short": True}],
    }
    spoken = replace(message(), said=said("slack", values))
    body = shown(letter(spoken, "en"))
    (attachment,) = body["attachments"]
    assert body["channel"] == "#shop"
    assert (attachment["title"], attachment["text"], attachment["color"]) == ("firing", "<http://x|phone>", "danger")
    assert attachment["fields"] == [{"title": "Where", "value": "shop", "short": True}]
    assert attachment["fallback"] == "firing"


async def test_slack_with_a_title_of_the_users_has_our_own_text_below_it() -> None:
    spoken = replace(message(), said=said("slack", {"title": "MINE"}))
    (attachment,) = shown(letter(spoken, "en"))["attachments"]
    assert attachment["title"] == "MINE"
    assert attachment["text"].startswith("namespace=shop")
    assert "MINE" not in attachment["text"]
    assert attachment["footer"] not in attachment["text"]


def test_a_bots_channel_may_be_a_template_and_an_update_stays_where_the_message_is(tmp_path: Path) -> None:
    entry = "slack_configs: [{bot_token: xoxb-1, channel: '#{{ .CommonLabels.namespace }}', title: x}]"
    (channel,) = channels(entry, tmp_path)
    assert isinstance(channel, Worded)
    assert isinstance(channel.channel, SlackBot)
    assert channel.wording.say(message()).fields == {"title": "x", "channel": "#shop"}


def test_two_entries_to_one_place_share_its_rate_whatever_they_say() -> None:
    entry = "{{url: 'https://open.example.com/x', rate_limit: 5/m, title: {}}}"
    written = (
        f"route: {{receiver: a}}\nreceivers: [{{name: a, feishu_configs: [{entry.format('b')}, {entry.format('c')}]}}]"
    )
    one, other = limits_of(parse_config(written, "am.yml")).values()
    assert one.address == other.address


TITLED = [kind for kind, fields in WORDS.items() if any(one.becomes == "title" for one in fields.values())]
TEXTED = [kind for kind, fields in WORDS.items() if any(one.becomes == "text" for one in fields.values())]


@pytest.mark.parametrize("kind", sorted({*TITLED, *TEXTED} - {"apprise"}))
async def test_every_vendor_says_the_users_title_and_text(kind: str) -> None:
    server = good(kind)
    channel = VENDORS[kind].make(server, ManualClock(EVENING))
    words = {"title": "MY TITLE", "text": "MY TEXT"}
    await channel.send(replace(message(), said=Said(words)), key="k")
    content = server.requests[0].content.decode()
    assert ("MY TITLE" in content) == (kind in TITLED)
    assert ("MY TEXT" in content) == (kind in TEXTED)


MAIL = {
    "headers": {"subject": "{{ .Status }}\n{{ .Receiver }}", "X-Team": "{{ .CommonLabels.namespace }}"},
    "html": "<p>{{ .CommonAnnotations.summary }}</p>",
    "to": "{{ .CommonLabels.namespace }}@example.com, duty@example.com",
}


async def test_a_mail_in_the_users_words(mailbox: MailServer) -> None:  # noqa: F811
    told = message(alert(summary="a <b>is</b> down"))
    _, wording = split("email", MAIL, "here:", "en", Library("en"))
    await Worded(mailer(mailbox, to=()), wording).send(told, key="k")
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["X-Team"]) == ("firing phone", "shop")
    assert mail["To"] == "shop@example.com, duty@example.com"
    kinds = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
    assert kinds["text/html"].strip() == "<p>a &lt;b&gt;is&lt;/b&gt; down</p>"
    assert "a <b>is</b> down" in kinds["text/plain"]


async def test_a_mail_that_a_template_addresses_to_nobody_is_not_lost_quietly(mailbox: MailServer) -> None:  # noqa: F811
    _, wording = split("email", {"to": "{{ .CommonLabels.owner }}"}, "here:", "en", Library("en"))
    with pytest.raises(Upstream, match="has no recipient"):
        await Worded(mailer(mailbox, to=()), wording).send(message(), key="k")


def test_a_mail_to_a_template_is_built_and_headers_of_its_making_are_refused(tmp_path: Path) -> None:
    base = "{smarthost: 'mail.example.com:25', from: a@example.com, to: '{{ .Receiver }}@example.com'%s}"
    (channel,) = channels(f"email_configs: [{base % ''}]", tmp_path)
    assert isinstance(channel, Worded)
    assert isinstance(channel.channel, EmailChannel)
    with pytest.raises(Invalid, match="'Content-Type' cannot be set"):
        channels(f"email_configs: [{base % ', headers: {Content-Type: x}'}]", tmp_path)


short = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(summary=short, chinese=short, grouped=st.booleans(), ended=st.booleans(), language=st.sampled_from(LANGUAGES))
def test_our_own_subject_template_says_what_our_letter_says(
    summary: str, chinese: str, grouped: bool, ended: bool, language: Language
) -> None:
    notes = {"summary": summary, "summary_zh": chinese}
    alerts: list[Alert] = [alert("a", "resolved" if ended else "firing", **notes), alert("b", "resolved")]
    told = compose(
        receiver="r",
        reason="first",
        group_key="g",
        group_labels={"alertname": "Trouble"} if grouped else {},
        alerts=alerts,
        external_url="",
    )
    shown = Library(language).text('{{ template "__subject" . }}').render(data_of(told.webhook_body()))
    assert shown == told.line(language)


def test_every_name_that_alertmanagers_users_know_is_defined_and_can_be_rendered() -> None:
    for language in LANGUAGES:
        library = Library(language)
        for fields in WORDS.values():
            for one in fields.values():
                if one.default:
                    library.text(f'{{{{ template "{one.default}" . }}}}', kind=one.kind).render(
                        data_of(message().webhook_body())
                    )
