"""`firstmate alerts`: what it says of files, and a receiver that is tried over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import structlog
from typer.testing import CliRunner

from alerts.notify.wording import Worded
from api.cli import app
from api.files import read_alert_config
from api.server import say_what_is_not_used
from core.clock import ManualClock
from core.config import load
from core.errors import Invalid
from core.secrets import decrypt, encrypt
from tests.acceptance.stage import START, product, settings_for
from tests.alerts.test_channels import message

ROUTES = "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'env:NOT_SET_HERE'}]}]\n"


def checked(*files: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alerts", "check", *map(str, files)])
    return done.exit_code, done.output


def test_good_files_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    rules, routes = tmp_path / "rules.yaml", tmp_path / "am.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]")
    routes.write_text(ROUTES)
    code, said = checked(rules, routes)
    assert code == 0
    assert "1 rule in 1 group" in said
    assert "1 route, 1 receiver, 0 inhibition rules, 0 time intervals, 0 template files" in said


def test_a_bad_file_is_told_by_its_place_and_the_others_are_checked_all_the_same(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yml", tmp_path / "good.yml"
    bad.write_text(ROUTES.replace("receiver: a}", "receiver: b}"))
    good.write_text(ROUTES)
    code, said = checked(bad, tmp_path / "gone.yml", good)
    assert code == 1
    assert "names the receiver 'b', which is not there" in said
    assert "cannot be read" in said
    assert "1 route," in said


def rendered(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alerts", "template", *arguments])
    return done.exit_code, done.output


def test_a_template_is_rendered_over_a_sample_or_a_file_of_data(tmp_path: Path) -> None:
    (tmp_path / "a.tmpl").write_text('{{ define "mine" }}<{{ .Status }}> {{ .Receiver }}{{ end }}')
    (tmp_path / "data.json").write_text('{"status": "resolved", "receiver": "a&b"}')
    mine = ("--template.glob", f"{tmp_path}/*.tmpl", "--template.text", '{{ template "mine" . }}')
    assert rendered(*mine) == (0, "<firing> team\n")
    data = ("--template.data", f"{tmp_path}/data.json")
    assert rendered(*mine, *data) == (0, "<resolved> a&b\n")
    assert rendered(*mine, *data, "--template.type", "html") == (0, "&lt;resolved> a&amp;b\n")
    zh = rendered("--template.text", '{{ template "__subject" . }}', "--language", "zh")
    assert zh == (0, "[告警中:1] HighLatency - 请求耗时超过 1 秒\n")


def test_a_template_that_is_wrong_ends_with_1_and_its_place() -> None:
    code, said = rendered("--template.text", "a\n{{ nosuch }}")
    assert (code, "line 2: the function nosuch is not known" in said) == (1, True)
    code, said = rendered("--template.text", "{{ index .Alerts 9 }}")
    assert (code, "index out of range" in said) == (1, True)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "am.yml").write_text(
        "templates: ['*.tmpl']\nroute: {receiver: team}\nreceivers: [{name: team, log_configs: [{}]}]"
    )
    (tmp_path / "our.tmpl").write_text('{{ define "our" }}for {{ .Receiver }}{{ end }}')
    more = {"prometheus_url": "", "k8s_config_path": "", "alert_config": tmp_path / "am.yml"}
    async with product(settings_for(tmp_path, "", tmp_path / "none", more), ManualClock(START)) as (_, client):
        yield client


async def test_a_receiver_is_shown_and_tried_over_http(http: httpx.AsyncClient) -> None:
    (shown,) = (await http.get("/api/v1/alerts/receivers")).json()["data"]
    assert shown == {"name": "team", "ways": [{"name": "team/log[0]", "kind": "log", "sends_resolved": True}]}
    (outcome,) = (await http.post("/api/v1/alerts/receivers/team/test")).json()["data"]
    assert (outcome["way"], outcome["delivered"]) == ("team/log[0]", True)
    assert (await http.post("/api/v1/alerts/receivers/nobody/test")).status_code == 404


async def test_a_template_is_tried_over_http_with_those_of_the_configuration(http: httpx.AsyncClient) -> None:
    async def tried(**body: object) -> httpx.Response:
        return await http.post("/api/v1/alerts/templates/render", json=body)

    assert (await tried(text='{{ template "our" . }}')).json()["data"] == {"rendered": "for team"}
    given = await tried(text="<p>{{ .Status }}</p>", type="html", data={"status": "<b>"})
    assert given.json()["data"] == {"rendered": "<p>&lt;b&gt;</p>"}
    wrong = await tried(text="{{ .Nosuch }}")
    assert wrong.status_code == 422
    assert "line 1: .Nosuch is not known" in wrong.json()["message"]


async def test_template_files_are_read_again_when_they_change_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "our.tmpl"
    file.write_text('{{ define "feishu.default.title" }}one{{ end }}')
    (tmp_path / "am.yml").write_text(
        "templates: ['*.tmpl']\nroute: {receiver: team}\n"
        "receivers: [{name: team, feishu_configs: [{url: 'http://127.0.0.1:1'}]}]"
    )
    more = {"prometheus_url": "", "k8s_config_path": "", "alert_config": tmp_path / "am.yml"}
    async with product(settings_for(tmp_path, "", tmp_path / "none", more), ManualClock(START)) as (house, _):
        side = house.alerts

        async def title_after(written: str) -> str:
            file.write_text(written)
            await side.reloader.look()
            (channel,) = side.outbox.channels
            assert isinstance(channel, Worded)
            return channel.wording.say(message()).fields["title"]

        assert await title_after('{{ define "feishu.default.title" }}two{{ end }}') == "two"
        assert await title_after('{{ define "feishu.default.title" }}three') == "two"
        assert side.reloader.complaints["routes"].startswith("our.tmpl, line 1: the template 'feishu.default.title'")
        assert await title_after('{{ define "feishu.default.title" }}three.{{ end }}') == "three."
        assert side.reloader.complaints == {}


KEY = "a-key-that-nobody-knows-1"


def test_a_secret_from_standard_input_is_printed_encrypted_under_the_key() -> None:
    done = CliRunner().invoke(app, ["secret", "encrypt"], input="hunter2\n", env={"SECRET_KEY": KEY})
    assert done.exit_code == 0
    assert decrypt(KEY, done.output.strip()) == "hunter2"


@pytest.mark.parametrize(
    ("key", "given", "complaint"), [("", "x", "SECRET_KEY is missing"), (KEY, "", "Nothing was given")]
)
def test_without_a_key_or_a_secret_nothing_is_encrypted(key: str, given: str, complaint: str) -> None:
    done = CliRunner().invoke(app, ["secret", "encrypt"], input=given, env={"SECRET_KEY": key})
    assert done.exit_code == 1
    assert complaint in done.output


def test_a_file_with_an_encrypted_secret_is_checked_without_the_key(tmp_path: Path) -> None:
    file = tmp_path / "am.yml"
    file.write_text(ROUTES.replace("env:NOT_SET_HERE", encrypt(KEY, "https://hooks.example.com/x")))
    assert checked(file)[0] == 0


async def test_a_receiver_opens_what_is_encrypted_and_names_the_place_under_another_key(tmp_path: Path) -> None:
    sealed = encrypt(KEY, "http://127.0.0.1:9/hook")
    (tmp_path / "am.yml").write_text(ROUTES.replace("env:NOT_SET_HERE", sealed))
    more = {"prometheus_url": "", "k8s_config_path": "", "alert_config": tmp_path / "am.yml", "secret_key": KEY}
    async with product(settings_for(tmp_path, "", tmp_path / "none", more), ManualClock(START)) as (_, client):
        (outcome,) = (await client.post("/api/v1/alerts/receivers/a/test")).json()["data"]
        assert "127.0.0.1:9 could not be reached" in outcome["said"]
    other = settings_for(tmp_path, "", tmp_path / "none", {**more, "secret_key": "quite-another-key-123"})
    with pytest.raises(Invalid, match=r"webhook_configs\[0\]: url: A value was encrypted under another SECRET_KEY"):
        async with product(other, ManualClock(START)):
            pass


def test_feishus_robot_is_a_receiver_by_default() -> None:
    settings = load(environ={"ENV": "testing", "FEISHU_WEBHOOK": "https://open.feishu.cn/hook/s3cret"}).settings
    config = read_alert_config(settings)
    assert [each.kind for each in config.receivers["default"].channels] == ["log", "feishu"]


def test_with_a_file_it_is_said_that_the_file_decides(tmp_path: Path) -> None:
    file = tmp_path / "am.yml"
    file.write_text(ROUTES)
    given = {"ENV": "testing", "FEISHU_WEBHOOK": "https://open.feishu.cn/hook/s3cret", "WEBHOOK_URLS": "https://x"}
    with structlog.testing.capture_logs() as lines:
        say_what_is_not_used(load(environ={**given, "ALERTMANAGER_CONFIG": str(file)}).settings)
        say_what_is_not_used(load(environ=given).settings)
    assert [line["event"].partition(":")[0] for line in lines] == [
        "FEISHU_WEBHOOK is not used",
        "WEBHOOK_URLS is not used",
    ]
    assert "s3cret" not in str(lines)
    config = read_alert_config(load(environ={**given, "ALERTMANAGER_CONFIG": str(file)}).settings)
    assert "feishu" not in str(config.receivers)
