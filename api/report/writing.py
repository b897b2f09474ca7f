"""A report as a file or on standard output: the form is the one that was named, else the one that the file's ending means.

The file appears whole or not at all and is for its owner alone: what systems said stands in it.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from api.report.html import html
from api.report.markdown import markdown
from api.report.outline import outline
from core.errors import Invalid
from core.language import Language
from tools.engines.diagnosis import Diagnosis

Form = Literal["html", "md"]
_ENDINGS: dict[str, Form] = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}
_WRITERS = {"html": html, "md": markdown}


def form_of(named: Form | None, output: Path | None) -> Form | None:
    """None where no report was asked for."""
    if named or output is None:
        return named
    if output.suffix.lower() not in _ENDINGS:
        raise Invalid(f"{output} ends in none of .html and .md: say --report html or --report md.", field="output")
    return _ENDINGS[output.suffix.lower()]


def write(found: dict[str, Any], form: Form, output: Path | None, language: Language) -> None:
    text = _WRITERS[form](outline(Diagnosis.model_validate(found), language), language)
    put(text, output)


def put(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    if not output.parent.is_dir():
        raise Invalid(f"There is no folder {output.parent} to write {output.name} into.", field="output")
    if output.is_dir():
        raise Invalid(f"{output} is a folder, and a report is one file.", field="output")
    if output.exists() and not output.is_file():
        raise Invalid(
            f"{output} is no plain file, and a report takes the place of what it is written to.", field="output"
        )
    _replace(output, text.encode("utf-8", errors="replace"))


def _replace(output: Path, raw: bytes) -> None:
    handle, partial = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)  # made for its owner alone
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(raw)
        Path(partial).replace(output)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
