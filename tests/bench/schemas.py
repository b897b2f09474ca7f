"""What it costs a model to know every tool: names, sentences and input schemas, as they are sent to it."""

import json
import tempfile
from pathlib import Path

from api.wiring import build
from core.config import load
from tests.bench.table import Line

CHARACTERS_A_TOKEN = 4


async def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load(environ={}, env="testing", data_dir=Path(folder)).settings
        async with build(settings) as house:
            tools = house.toolbox.all()
    shown = [
        {"name": one.name, "description": one.description, "inputSchema": one.input.model_json_schema()}
        for one in tools
    ]
    tokens = len(json.dumps(shown, ensure_ascii=False)) // CHARACTERS_A_TOKEN
    return [Line("all tool schemas", "3,000 tokens", f"{tokens:,} tokens", f"{len(tools)} tools as JSON, length / 4")]
