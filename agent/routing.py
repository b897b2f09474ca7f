"""Which of the three roads a question takes: what is written down, what can be read now, or what is wrong and how to mend it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.reading import Reading
from core.language import Text, detect

ROUTE = "route"
Road = Literal["knowledge", "operator", "diagnosis"]
_WHY = {
    "fix": Text("a repair was asked for", "要求修复"),
    "why": Text("asks why something is wrong", "询问故障原因"),
    "alert": Text("the question names an alert", "问题针对一条告警"),
    "howto": Text("asks how something is done", "询问处理方法"),
    "read": Text("asks what can be read now", "询问当前状态"),
    "acknowledge": Text("asks to take an alert", "要求认领告警"),
    "rag": Text("the mode asks for the knowledge base", "模式指定知识库"),
    "mcp": Text("the mode asks for the tools", "模式指定工具"),
    "other": Text("no object is named, so the knowledge base is asked", "没有提到具体对象，查询知识库"),
}


class Route(BaseModel):
    """Where a question goes and what it is about."""

    model_config = ConfigDict(extra="ignore")

    route: Road = Field(
        description="knowledge: how-to and written procedures; operator: read state; diagnosis: why, or fix"
    )
    reason: str = Field(default="", max_length=300)
    fix: bool = Field(default=False, description="true only if the user asks for a repair")
    namespace: str = Field(default="", max_length=63)
    kind: str = Field(default="", max_length=100)
    name: str = Field(default="", max_length=253)
    alert: str = Field(default="", max_length=64, description="fingerprint")


def route_tool() -> dict[str, Any]:
    schema = Route.model_json_schema()
    return {"type": "function", "function": {"name": ROUTE, "description": Route.__doc__, "parameters": schema}}


def judge(arguments: dict[str, Any]) -> str:
    """What is wrong with a route that a model gave, or nothing."""
    try:
        Route.model_validate(arguments)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return ""


def route(question: str, reading: Reading) -> Route:
    language = detect(question)
    road, why = _road(reading)
    return Route(
        route=road,
        reason=_WHY[why](language),
        fix=reading.wants("fix") and road == "diagnosis",
        namespace=reading.namespace,
        kind=reading.kind if reading.name else "",
        name=reading.name,
        alert=reading.alert,
    )


def forced(mode: str, question: str, reading: Reading) -> Route:
    """The road that the caller chose, with what the question is about."""
    road: Road = "knowledge" if mode == "rag" else "operator"
    found = route(question, reading)
    wants_fix = reading.wants("fix") and not reading.wants("howto") and road == "operator"
    return found.model_copy(update={"route": road, "reason": _WHY[mode](detect(question)), "fix": wants_fix})


def about_alert(question: str, reading: Reading, alert: str) -> Route:
    """The alert decides what it is about; of the question's own words only what is surely a name may add to that."""
    found = route(question, reading)
    update = {
        "route": "diagnosis",
        "reason": _WHY["alert"](detect(question)),
        "alert": alert,
        "fix": reading.wants("fix"),
        "namespace": reading.namespace if reading.placed else "",
        "name": reading.name if reading.sure else "",
        "kind": found.kind if reading.sure else "",
    }
    return found.model_copy(update=update)


def taking(question: str, reading: Reading, alert: str) -> Route:
    """An alert is to be taken; what else was asked about it goes on afterwards."""
    found = about_alert(question, reading, alert)
    goes_on = reading.wants("why", "fix")
    return found.model_copy(
        update={"route": "diagnosis" if goes_on else "operator", "reason": _WHY["acknowledge"](detect(question))}
    )


def _road(reading: Reading) -> tuple[Road, str]:
    about = bool(reading.name or reading.namespace or reading.alert)
    if reading.wants("promql", "value", "destroy"):
        return "operator", "read"
    if reading.wants("overview") and not about and not reading.wants("why", "fix"):
        return "operator", "read"  # "集群状态如何" asks for the state, whatever its last word is
    # "What is wrong there, and how do we mend it" is no question of procedure.
    is_placed = reading.placed and reading.wants("why")
    if reading.wants("howto") and not reading.alert and not reading.sure and not is_placed:
        return (
            ("operator", "read")
            if reading.namespace or (reading.kind and reading.wants("list"))
            else ("knowledge", "howto")
        )
    if reading.wants("fix"):
        return "diagnosis", "fix"
    if reading.wants("logs"):
        return "operator", "read"
    if reading.wants("alerts") and not about:
        return "operator", "read"
    if reading.wants("why"):
        return "diagnosis", "why"
    if reading.wants("alerts") and reading.alert:
        return "diagnosis", "alert"
    if about or reading.kind or reading.wants("list", "metrics", "overview", "alerts"):
        return "operator", "read"
    return "knowledge", "other"
