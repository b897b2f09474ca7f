"""Bodies of Alertmanager's API v2. Its clients send more than they must, so here an unknown field is passed over."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from alerts.arriving import Arrival
from alerts.routing.intervals import read_interval
from alerts.routing.matchers import Matcher
from alerts.routing.silence import MAX_COMMENT, MAX_MATCHERS, Silence, ordered

MAX_ALERTS = 10_000
_ZERO_YEAR = 1


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.year > _ZERO_YEAR else datetime.min.replace(tzinfo=UTC)


Time = Annotated[AwareDatetime, AfterValidator(_utc)]


class PostedAlert(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: Time | None = Field(default=None, alias="startsAt")
    ends_at: Time | None = Field(default=None, alias="endsAt")
    generator_url: str = Field(default="", alias="generatorURL", max_length=4_096)

    def arrival(self) -> Arrival:
        return Arrival(self.labels, self.annotations, _given(self.starts_at), _given(self.ends_at), self.generator_url)


POSTED = TypeAdapter(Annotated[list[PostedAlert], Field(max_length=MAX_ALERTS)])


class PostedMatcher(BaseModel):
    name: str = Field(min_length=1, max_length=256)
    value: str
    is_regex: bool = Field(alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")

    def matcher(self) -> Matcher:
        return Matcher(
            self.name,
            self.value,
            ("=" if self.is_equal else "!") + ("~" if self.is_regex else "=" * (not self.is_equal)),
        )


class PostedSilence(BaseModel):
    id: str | None = Field(default=None, max_length=36)
    matchers: list[PostedMatcher] = Field(min_length=1, max_length=MAX_MATCHERS)
    starts_at: Time = Field(alias="startsAt")
    ends_at: Time = Field(alias="endsAt")
    created_by: str = Field(alias="createdBy", min_length=1, max_length=255)
    comment: str = Field(max_length=MAX_COMMENT)
    recurs: dict[str, object] | None = Field(
        default=None,
        description="Firstmate's own: only in these hours, written as a time interval of the configuration file",
    )

    def silence(self, now: datetime) -> Silence:
        if self.recurs is not None:
            read_interval(self.recurs, "recurs:")
        return Silence(
            id=self.id or "",
            matchers=ordered(each.matcher() for each in self.matchers),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            updated_at=now,
            created_by=self.created_by,
            comment=self.comment,
            recurs=self.recurs,
        )


def _given(at: datetime | None) -> datetime | None:
    """Go's zero time is no time."""
    return at if at and at.year > _ZERO_YEAR else None
