"""Bodies of the repair routes."""

from pydantic import Field

from api.schemas import Body


class Verdict(Body):
    hash: str = Field(
        min_length=8, max_length=128, description="The plan's hash as it was shown to the person who decides"
    )
    note: str = Field(default="", max_length=1_000)


class Apply(Body):
    hash: str = Field(min_length=8, max_length=128)


class Acknowledge(Body):
    note: str = Field(default="", max_length=1_000)
    hold: str | None = Field(
        default=None, max_length=20, description="For how long, like 2h; then it is nobody's again. null: until it ends"
    )
    comment: str = Field(default="", max_length=1_000, description="The same as note, by its older name")
    user_id: str = Field(default="", max_length=255, description="Taken and not used: who acts is told by the token")


class Assign(Body):
    assignee: str | None = Field(max_length=255, description="Whose it is; null: nobody's")


class Close(Body):
    reason: str = Field(default="", max_length=1_000)
    user_id: str = Field(default="", max_length=255, description="Taken and not used: who acts is told by the token")
