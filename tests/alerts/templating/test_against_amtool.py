"""The same template over the same data gives the same bytes as Alertmanager's own `amtool template render`."""

import subprocess
from pathlib import Path

import orjson
import pytest

from alerts.templating.data import read_data
from alerts.templating.library import Library
from alerts.templating.values import Failed
from core.errors import Invalid
from tests.alerts.templating.corpus import BROKEN, DATA, FILE, HTML, TEXTS

AMTOOL = "amtool"
MARK = "|\x1e|"


def theirs(text: str, data: str, folder: Path, kind: str = "text") -> str | None:
    """None where amtool gives up."""
    (folder / "shop.tmpl").write_text(FILE)
    (folder / "data.json").write_bytes(orjson.dumps(DATA[data]))
    command = [
        *(AMTOOL, "template", "render", f"--template.glob={folder}/*.tmpl", f"--template.text={text}"),
        *(f"--template.data={folder}/data.json", f"--template.type={kind}"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={"TZ": "UTC"}, timeout=30)
    return ran.stdout.removesuffix("\n") if ran.returncode == 0 else None


def ours(text: str, data: str, kind: str = "text") -> str | None:
    try:
        return Library("en", [("shop.tmpl", FILE)]).text(text, kind=kind).render(read_data(orjson.dumps(DATA[data])))
    except (Failed, Invalid):
        return None


def compare(texts: tuple[str, ...], data: str, folder: Path, kind: str) -> None:
    """All of them in one call of amtool, each between marks."""
    told = theirs(MARK.join(texts), data, folder, kind)
    assert told is not None
    parts = told.split(MARK)
    assert len(parts) == len(texts)
    different = [
        f"{text!r}\n   theirs {part!r}\n   ours   {mine!r}"
        for text, part in zip(texts, parts, strict=True)
        if (mine := ours(text, data, kind)) != part
    ]
    assert not different, f"{len(different)} differences:\n" + "\n".join(different)


@pytest.mark.real("alertmanager")
@pytest.mark.parametrize("data", DATA)
def test_texts_are_rendered_as_amtool_renders_them(data: str, tmp_path: Path) -> None:
    assert len(TEXTS) * len(DATA) >= 200
    compare(TEXTS, data, tmp_path, "text")


@pytest.mark.real("alertmanager")
@pytest.mark.parametrize("data", DATA)
def test_pages_are_escaped_as_amtool_escapes_them(data: str, tmp_path: Path) -> None:
    compare(HTML, data, tmp_path, "html")


@pytest.mark.real("alertmanager")
def test_what_amtool_gives_up_on_we_give_up_on(tmp_path: Path) -> None:
    assert [text for text in BROKEN if theirs(text, "firing", tmp_path) is not None] == []
    assert [text for text in BROKEN if ours(text, "firing") is not None] == []
