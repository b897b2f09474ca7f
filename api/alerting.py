"""`firstmate alerts`: files checked before they are used, and templates tried."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alerts.fields import mapping, read_text, read_yaml
from alerts.notify.channels import UNREAD, Shared
from alerts.notify.workshop import build_channels
from alerts.routing.config import parse_config
from alerts.rules import parse_rules
from alerts.templating.data import read_data, sample
from alerts.templating.library import Library, preview, read_files
from core.clock import ManualClock
from core.errors import FirstmateError
from core.language import Language


def render(text: str, globs: Sequence[str], data: Path | None, kind: str, language: Language) -> str:
    library = Library(language, read_files(globs, Path()))
    values = read_data(read_text(data, "file of data")) if data else sample()
    return preview(library, text, values, kind)


def check(paths: Sequence[Path]) -> list[tuple[str, bool]]:
    """A sentence for each file, and whether it is good. Which kind it is, it says itself: rules have groups, routes have a route."""
    return asyncio.run(_check(paths))


async def _check(paths: Sequence[Path]) -> list[tuple[str, bool]]:
    # Channels make network clients, which want a running loop; nothing is sent.
    return [_checked(path) for path in paths]


def _checked(path: Path) -> tuple[str, bool]:
    try:
        text = read_text(path, "file")
        read = mapping(read_yaml(text, path.name), f"{path.name}:", "a mapping")
        return f"{path}: {_rules(text, path) if 'groups' in read else _routes(text, path)}", True
    except FirstmateError as error:
        return f"{path}: {error.sentence}", False


def _rules(text: str, path: Path) -> str:
    groups = parse_rules(text, path.name)
    return f"{_many(sum(len(group.rules) for group in groups), 'rule')} in {_many(len(groups), 'group')}"


def _routes(text: str, path: Path) -> str:
    config = parse_config(text, path.name, str(path.parent))
    # References to secrets are left as they are: the machine that checks need not be the one that has them.
    build_channels(config, Shared(ManualClock(datetime.now(UTC)), secret=_plausible))
    routes = sum(1 for _ in config.route.walk())
    texts = len(read_files(config.templates, path.parent))
    counts = [
        *((routes, "route"), (len(config.receivers), "receiver"), (len(config.inhibit_rules), "inhibition rule")),
        *((len(config.time_intervals), "time interval"), (texts, "template file")),
    ]
    return ", ".join(_many(count, what) for count, what in counts)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _plausible(reference: str) -> str:
    return UNREAD if reference.partition(":")[0] in ("env", "file", "enc") else reference
