"""The files that a house is set up by, and who is given what when they change."""

from collections.abc import Collection
from pathlib import Path

from alerts.escalation.escalator import Escalator
from alerts.escalation.policy import Escalations, load_escalations
from alerts.notify.channels import Channel, Shared
from alerts.notify.outbox import Outbox
from alerts.notify.pipeline import Notifier
from alerts.notify.receivers import Receivers
from alerts.notify.workshop import build_channels, limits_of
from alerts.reloading import Source
from alerts.routing.config import Config, built_in, load_config
from alerts.rulebook.shelf import Shelf
from alerts.rules import load_rules, rule_files
from alerts.templating.library import template_files
from core.config import Settings


def sources(
    settings: Settings, shared: Shared, shelf: Shelf, notifier: Notifier, outbox: Outbox, escalator: Escalator
) -> list[Source]:
    # Which template files there are, the configuration says; one that cannot be read says nothing new.
    named = read_alert_config(settings)

    def read_config() -> tuple[Config, Receivers, list[Channel]]:
        nonlocal named
        config = named = read_alert_config(settings)
        return config, *build_channels(config, shared)

    def config_files() -> list[Path]:
        if not settings.alert_config:
            return []
        return [settings.alert_config, *template_files(named.templates, Path(named.folder))]

    async def take_config(read: tuple[Config, Receivers, list[Channel]]) -> None:
        config, receivers, channels = read
        await outbox.replace(channels, limits_of(config))
        await notifier.reload(config, receivers)

    return [
        Source(
            "rules",
            lambda: rule_files(settings.rules_files),
            lambda: load_rules(settings.rules_files, interval=settings.evaluation_interval),
            shelf.put_files,
        ),
        Source(
            "routes",
            config_files,
            read_config,
            take_config,
        ),
        Source(
            "escalations",
            lambda: [settings.escalations] if settings.escalations else [],
            lambda: read_escalations(settings, read_alert_config(settings).receivers),
            escalator.reload,
        ),
    ]


def read_alert_config(settings: Settings) -> Config:
    if settings.alert_config:
        return load_config(settings.alert_config)
    return built_in(
        webhooks=settings.webhook_urls,
        feishu=settings.feishu_webhook.get_secret_value(),
        group_wait=settings.group_wait,
        repeat_interval=settings.repeat_interval,
    )


def read_escalations(settings: Settings, receivers: Collection[str]) -> Escalations:
    return load_escalations(settings.escalations, receivers) if settings.escalations else Escalations()
