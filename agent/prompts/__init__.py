"""What the models are told, one Markdown page a task and language."""

from functools import cache
from pathlib import Path

from core.language import Language

_FOLDER = Path(__file__).parent


@cache
def page(task: str, language: Language) -> str:
    return (_FOLDER / language / f"{task}.md").read_text(encoding="utf-8").strip()
