"""What a start does not pay for: libraries that only some houses need are imported where they are needed."""

import asyncio
import subprocess
import sys
from pathlib import Path

from core.database import migrate

WITHOUT_NEED = {
    "alembic": "the database has its tables",
    "kubernetes.client.models": "objects are read as JSON",
    "langchain_openai": "no endpoint is configured",
    "openai": "no endpoint is configured",
    "simulator": "the product does not know it",
}
START = """
import asyncio, sys
import api.app, api.wiring, api.console.page
from core.database import migrate
asyncio.run(migrate(sys.argv[1]))
print(*sys.modules)
"""


def test_a_server_without_a_model_and_with_its_tables_imports_what_it_uses(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'firstmate.db'}"
    asyncio.run(migrate(url))
    started = subprocess.run([sys.executable, "-c", START, url], capture_output=True, text=True, check=True)
    imported = set(started.stdout.split())
    assert "api.app" in imported
    assert {name: why for name, why in WITHOUT_NEED.items() if name in imported} == {}
