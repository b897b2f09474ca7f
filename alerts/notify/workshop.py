"""Channels built from the configuration: each kind by its own folder, each named after its place in the file.

The list of kinds is the list of what a receiver may hold. A kind that is not there is refused with those that are, so that a receiver never
turns out at night to have been a name only.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from alerts.notify.channels import Builder, Channel, Shared, Written
from alerts.notify.channels.apprise import AppriseBuilder
from alerts.notify.channels.dingtalk import dingtalk
from alerts.notify.channels.discord import DiscordBuilder
from alerts.notify.channels.email import EmailBuilder
from alerts.notify.channels.feishu import FeishuBuilder
from alerts.notify.channels.log import LogBuilder
from alerts.notify.channels.msteams import TeamsBuilder, TeamsChannel, WorkflowChannel
from alerts.notify.channels.opsgenie import OpsgenieBuilder
from alerts.notify.channels.pagerduty import PagerDutyBuilder
from alerts.notify.channels.pushover import PushoverBuilder
from alerts.notify.channels.slack import SlackBuilder
from alerts.notify.channels.telegram import TelegramBuilder
from alerts.notify.channels.updating import Updating
from alerts.notify.channels.victorops import VictorOpsBuilder
from alerts.notify.channels.webex import WebexBuilder
from alerts.notify.channels.webhook import WebhookBuilder
from alerts.notify.channels.wecom import wecom
from alerts.notify.pace import PUBLISHED, Limit, read_rates
from alerts.notify.receivers import Integration, Receivers, way
from alerts.notify.wording import ADDRESSES, LANGUAGES, WORDS, bare, split, worded
from alerts.routing.config import ChannelSettings, Config, Receiver
from alerts.templating.library import Library, read_files
from core.errors import Invalid, near_misses
from core.language import Language

_ALL: tuple[Builder, ...] = (
    LogBuilder(),
    WebhookBuilder(),
    EmailBuilder(),
    SlackBuilder(),
    FeishuBuilder(),
    dingtalk,
    wecom,
    WebexBuilder(),
    VictorOpsBuilder(),
    TelegramBuilder(),
    PushoverBuilder(),
    PagerDutyBuilder(),
    OpsgenieBuilder(),
    DiscordBuilder(),
    TeamsBuilder(TeamsChannel),
    TeamsBuilder(WorkflowChannel),
    AppriseBuilder(),
)
BUILDERS: Mapping[str, Builder] = {builder.kind: builder for builder in _ALL}
_BY_APPRISE = "is not spoken here in Alertmanager's form; write it as apprise_configs: [{{url: '{}'}}]."
INSTEAD: Mapping[str, str] = {
    "sns": _BY_APPRISE.format("sns://ACCESS_KEY/SECRET_KEY/REGION/TOPIC"),
    "wechat": "is WeCom's app, which is not spoken here; a WeCom group's robot is written as wecom_configs: [{url: ...}].",
    "jira": _BY_APPRISE.format("jira://..."),
    "rocketchat": _BY_APPRISE.format("rockets://WEBHOOK@HOST"),
    "mattermost": _BY_APPRISE.format("mmosts://HOST/TOKEN"),
    "incidentio": _BY_APPRISE.format("incidentio://..."),
}
"""What Alertmanager has and we have not, and what to write in its place."""
_OF_THE_WAY = frozenset({"send_resolved", "language", "rate_limit", "picture", "update", "repeats"})


def build_channels(config: Config, shared: Shared) -> tuple[Receivers, list[Channel]]:
    library = libraries(config)
    receivers: dict[str, tuple[Integration, ...]] = {}
    channels: list[Channel] = []
    for receiver in config.receivers.values():
        built = [_channel(name, settings, config, shared, library) for name, settings in _named(receiver)]
        receivers[receiver.name] = tuple(integration for integration, _ in built)
        channels += [channel for _, channel in built]
    return receivers, channels


def limits_of(config: Config) -> dict[str, Limit]:
    """How fast each way may be used, by its name: as its entry says, else as its vendor has published."""
    found = {}
    for receiver in config.receivers.values():
        for name, settings in _named(receiver):
            written = str(settings.values.get("rate_limit", PUBLISHED.get(settings.kind, "none")))
            rates = read_rates(written, settings.where)
            if rates:
                found[name] = Limit(_address(settings), written, rates)
    return found


def _address(settings: ChannelSettings) -> str:
    """What is the same for two entries that lead to one place, and tells nobody where."""
    said = WORDS.get(settings.kind, {}).keys() - ADDRESSES | _OF_THE_WAY
    values = {key: value for key, value in settings.values.items() if bare(key) not in said}
    return hashlib.sha256(json.dumps([settings.kind, values], sort_keys=True, default=str).encode()).hexdigest()


def libraries(config: Config) -> Callable[[Language], Library]:
    """The templates of each language, with the user's files; these are refused here if they are bad, used or not."""
    files = read_files(config.templates, Path(config.folder))
    made: dict[Language, Library] = {language: Library(language, files) for language in LANGUAGES}
    return made.__getitem__


def _named(receiver: Receiver) -> Sequence[tuple[str, ChannelSettings]]:
    seen: dict[str, int] = {}
    named = []
    for settings in receiver.channels:
        place = seen.setdefault(settings.kind, 0)
        seen[settings.kind] += 1
        named.append((way(receiver.name, settings.kind, place), settings))
    return named


def _channel(
    name: str, settings: ChannelSettings, config: Config, shared: Shared, library: Callable[[Language], Library]
) -> tuple[Integration, Channel]:
    builder = BUILDERS.get(settings.kind)
    if builder is None and settings.kind in INSTEAD:
        raise Invalid(f"{settings.where} {settings.kind}_configs {INSTEAD[settings.kind]}", field=settings.kind)
    if builder is None:
        near = near_misses(settings.kind, BUILDERS, 1)
        hint = f" Did you mean {near[0]}_configs?" if near else ""
        raise Invalid(
            f"{settings.where} there is no channel {settings.kind}.{hint}", field=settings.kind, allowed=BUILDERS
        )
    read_rates(settings.values.get("rate_limit", "none"), settings.where)
    values = {key: value for key, value in settings.values.items() if key != "rate_limit"}
    written = Written(values, config.settings, settings.where)
    language = written.language(shared)
    left, wording = split(settings.kind, values, settings.where, language, library(language))
    channel = builder(name, replace(written, values=left), shared)
    # What is updated in place shows its end there, so it hears of it unless the file says otherwise.
    usual = builder.sends_resolved or isinstance(channel, Updating)
    sends = usual if settings.send_resolved is None else settings.send_resolved
    return Integration(name, settings.kind, sends), worded(channel, wording)
