"""Every tool over HTTP: the list with its schemas, and one call."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Request

from api.deps import TheCaller, TheHouse
from api.errors import ok
from core.language import Language
from tools.spec import AnyTool

router = APIRouter(prefix="/tools", tags=["tools"])
ToolName = Annotated[str, Path(max_length=64, pattern=r"^[a-z_]+$")]


@router.get("")
async def tools(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    return ok(request, [_described(tool) for tool in house.toolbox.all()])


@router.get("/{name}")
async def tool(request: Request, house: TheHouse, _caller: TheCaller, name: ToolName) -> dict[str, Any]:
    return ok(request, _described(house.toolbox.get(name)))


@router.post("/{name}")
async def call(
    request: Request,
    house: TheHouse,
    caller: TheCaller,
    name: ToolName,
    arguments: Annotated[dict[str, Any] | None, Body()] = None,
    accept_language: Annotated[str, Header()] = "en",
) -> dict[str, Any]:
    """Call a tool with its arguments as the body; the same checks as on every other road."""
    result = await house.toolbox.call(name, arguments or {}, caller, language_of(accept_language))
    return ok(request, result, result["summary"])


def _described(tool: AnyTool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "risk": tool.risk,
        "input_schema": tool.input.model_json_schema(),
    }


def language_of(header: str) -> Language:
    return "zh" if header.strip().lower().startswith("zh") else "en"
