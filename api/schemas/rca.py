"""Bodies of the root-cause routes, as the users' own documents describe them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas import Body

MAX_HOURS = 24.0
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", max_length=200)]


class Analyze(Body):
    namespace: str = Field(default="", max_length=63, description="Empty: the default one; *: all")
    name: str | None = Field(default=None, max_length=253, description="One workload, Service or pod")
    time_window_hours: float = Field(default=1.0, gt=0, le=MAX_HOURS)
    metrics: list[MetricName] = Field(default_factory=list, max_length=12, description="Whose correlation is asked for")
    severity_threshold: float = Field(
        default=0.0, ge=0, le=1, description="Causes less sure than this are only counted"
    )
    include_logs: bool = Field(default=True, description="Whether lines of logs are shown as evidence")
    include_events: bool = Field(default=True, description="Whether events are shown as evidence")
