"""One configuration and its template files, sent by the real Alertmanager and by us: Slack is told the same."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.notify.channels import Shared
from alerts.notify.message import Item, Message
from alerts.notify.workshop import build_channels
from alerts.routing.config import load_config
from core.clock import SystemClock
from tests.alerts.players import listening
from tests.alerts.templating.corpus import FILE
from tests.services import free_port, process

CONFIG = """
templates: ['templates/*.tmpl']
route: {{receiver: team-shop, group_by: [alertname], group_wait: 200ms}}
receivers:
- name: team-shop
  webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook'}}]
  slack_configs:
  - api_url: http://127.0.0.1:{port}/slack
    send_resolved: true
    channel: '#{{{{ .CommonLabels.app }}}}'
    username: '{{{{ .Receiver | title }}}}'
    icon_emoji: '{{{{ if eq .Status "firing" }}}}:fire:{{{{ else }}}}:ok:{{{{ end }}}}'
    color: '{{{{ if eq .Status "firing" }}}}danger{{{{ else }}}}good{{{{ end }}}}'
    title: '{{{{ template "shop.title" . }}}}'
    title_link: 'https://wiki.example/{{{{ .CommonLabels.alertname | toLower | urlquery }}}}'
    pretext: '{{{{ .CommonAnnotations.SortedPairs.Values | join " & " }}}}'
    text: |-
      {{{{ template "shop.text" . }}}}
      {{{{ range .Alerts -}}}}
      since {{{{ .StartsAt.Format "Mon 02 Jan 15:04:05 MST" }}}} ({{{{ .Labels.pod | reReplaceAll "-[0-9]+$" "" }}}})
      {{{{ end }}}}
    fallback: '{{{{ .GroupLabels.alertname }}}} <{{{{ len .Alerts }}}}>'
    callback_id: ''
    footer: '{{{{ template "slack.default.footer" . }}}}'
    fields:
    - {{title: 'Severity', value: '{{{{ .CommonLabels.severity }}}}', short: true}}
    - {{title: '{{{{ .Status }}}}', value: '{{{{ range .Alerts }}}}{{{{ .Labels.pod }}}} {{{{ end }}}}'}}
"""
MORE = '{{ define "slack.default.footer" }}by {{ .Receiver }}{{ end }}'


def posted(port: int, folder: Path, heard: Mapping[str, list[Any]]) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    labels = {"alertname": "Latency", "app": "web", "severity": "critical"}
    alerts = [
        {
            "labels": {**labels, "pod": f"web-{number}"},
            "annotations": {"summary": 'isn\'t <fast> & "ok"', "description": "很慢"},
            "startsAt": (at - timedelta(minutes=number + 10)).isoformat(),
            "generatorURL": "http://prometheus/graph?a=1&b=2",
        }
        for number in range(3)
    ]
    command = [
        *("prometheus-alertmanager", f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=error"),
    ]
    with process(command, port=port, folder=folder):
        httpx.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()
        until = time.monotonic() + 10
        while not all(heard.values()) and time.monotonic() < until:
            time.sleep(0.02)


def message_of(body: Mapping[str, Any]) -> Message:
    items = (
        Item(
            *(one["status"], one["labels"], one["annotations"], one["startsAt"], one["endsAt"]),
            *(one["generatorURL"], one["fingerprint"]),
        )
        for one in body["alerts"]
    )
    return Message(
        *(body["receiver"], body["status"], "first", body["groupKey"], body["groupLabels"], body["commonLabels"]),
        *(body["commonAnnotations"], body["externalURL"], tuple(items)),
    )


@pytest.mark.real("alertmanager")
async def test_slack_is_told_the_same_by_both(tmp_path: Path) -> None:
    heard: dict[str, list[dict[str, Any]]] = {"hook": [], "slack": []}
    hook = free_port()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "shop.tmpl").write_text(FILE + MORE)
    (tmp_path / "am.yml").write_text(CONFIG.format(port=hook))
    with listening(hook, lambda path, body: heard[path].append(dict(body))):
        posted(free_port(), tmp_path, heard)
        channels = build_channels(load_config(tmp_path / "am.yml"), Shared(SystemClock()))[1]
        slack = next(channel for channel in channels if channel.kind == "slack")
        await slack.send(message_of(heard["hook"][0]), key="k")
        for channel in channels:
            await channel.close()
    theirs, ours = heard["slack"]
    assert len(theirs["attachments"][0]["text"].splitlines()) > 15
    (our,), (their,) = ours.pop("attachments"), theirs.pop("attachments")
    assert {
        name: (our.get(name), their.get(name)) for name in our.keys() | their.keys() if our.get(name) != their.get(name)
    } == {}
    assert ours == theirs
