"""A program that speaks MCP on its standard streams, for the test that starts one."""

import asyncio
from typing import Any

from mcp.server.stdio import stdio_server

from tests.mcp_server.fakes import server


async def main() -> None:
    built: Any = server()[0]
    async with stdio_server() as (reading, writing):
        await built.run(reading, writing, built.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
