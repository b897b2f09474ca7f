"""Bodies of the rule routes."""

from typing import Any

from pydantic import Field

from alerts.rulebook.definition import Definition
from api.schemas import Body

MAX_FILE = 1_000_000
MAX_TESTS = 262_144


class ChangeRule(Body):
    """Only the fields that change; `version` is the one that was seen, so that nobody's change is lost."""

    version: int | None = Field(default=None, ge=1)
    name: Any = None
    description: Any = None
    condition: Any = None
    expr: Any = None
    conditions: Any = None
    join: Any = None
    match_on: Any = None
    detector: Any = None
    duration: Any = None
    hold: Any = None
    keep_firing_for: Any = None
    severity: Any = None
    labels: Any = None
    annotations: Any = None
    notification_channels: Any = None

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.model_dump(exclude_unset=True).items() if name != "version"}


class Import(Body):
    content: str = Field(min_length=1, max_length=MAX_FILE, description="A Prometheus rule file")


class RunUnitTests(Body):
    content: str = Field(
        min_length=1, max_length=MAX_TESTS, description="A file of tests as `promtool test rules` reads it"
    )
    rule: Definition | None = Field(
        default=None,
        description="A rule that is not kept yet, tested with the others; it stands for the one of its name",
    )


class Backtest(Body):
    rule: Definition | None = Field(default=None, description="A rule that is not kept yet")
    rule_id: str | None = Field(default=None, max_length=64, description="Or one that is there, kept here or in a file")
    days: float = Field(default=7, gt=0, le=30)


class Restore(Body):
    version: int = Field(ge=1)
