"""The rules of the house that are not about behaviour: what may stand where, and what must stay in step."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CORE = {
    "__init__.py",
    "clock.py",
    "config.py",
    "database.py",
    "errors.py",
    "language.py",
    "logs.py",
    "metrics.py",
    "migrations",
    "redact.py",
    "secrets.py",
}
ROOMS = ("agent", "alerts", "api", "core", "knowledge_base", "mcp_server", "simulator", "tools")
SHADOWS = {"platform", "types", "mcp", "kubernetes", "queue", "code", "test"}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def sources() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_the_list_of_core_is_closed() -> None:
    found = {path.name for path in (ROOT / "core").iterdir() if path.name != "__pycache__"}
    assert found == CORE


def test_no_module_hides_one_that_others_import() -> None:
    assert [path for path in sources() if path.stem in SHADOWS and path.parent == ROOT] == []


def test_every_file_stays_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): lines for path in sources() if (lines := len(path.read_text().splitlines())) > 900
    }
    assert long == {}


def test_every_module_of_a_room_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not path.read_text().lstrip().startswith('"""') and path.read_text().strip()
    ]
    assert [path for path in silent if "migrations/versions" not in path] == []


def test_locks_have_hashes_and_name_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert not re.search(r"https?://|file:|--index|--find-links", text), lock.name
        pins = re.findall(r"^[a-z0-9][^\s]*==", text, re.MULTILINE)
        assert pins, lock.name
        assert text.count("--hash=sha256:") >= len(pins), lock.name


def test_no_path_of_a_machine_and_no_registry_is_in_the_repository() -> None:
    forbidden = re.compile(
        "|".join(["/wor" + "k/", "/roo" + "t/", "py" + "pi[.]org", "pythonhos" + "ted", "registry[.]npm" + "js"])
    )
    hits = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.suffix not in {".png", ".ico"} and (match := forbidden.search(path.read_text(errors="ignore")))
    ]
    assert hits == []


def test_nothing_large_or_binary_is_kept() -> None:
    assert [str(path) for path in tracked() if path.stat().st_size > 600_000] == []
    assert [
        str(path) for path in tracked() if path.suffix in {".whl", ".so", ".jar", ".bin", ".onnx", ".safetensors"}
    ] == []


def test_the_help_comes_without_the_heavy_libraries() -> None:
    heavy = "{'langgraph', 'langchain_core', 'nicegui', 'kubernetes', 'fastapi', 'sqlalchemy', 'numpy', 'mcp'}"
    probe = f"import sys; import api.cli; print(sorted(set(sys.modules) & {heavy}))"
    printed = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_a_shop_of_the_simulator_is_unknown_to_the_product() -> None:
    """No product code knows a demo service's or an image's name: what the simulator calls its services must not occur outside it."""
    from simulator import shop

    names = {name for name in shop_names(shop) if "-" in name}
    assert len(names) >= 3
    product = [path for path in sources() if "simulator" not in path.parts]
    hits = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in product
        for name in names
        if re.search(rf"\b{name}\b", path.read_text())
    ]
    assert hits == []


def shop_names(shop: object) -> set[str]:
    text = Path(str(vars(shop)["__file__"])).read_text()
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text)) - {"kube-system", "control-plane"}


def test_compose_starts_the_product_and_its_servers() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    images = " ".join(str(service.get("image", "")) for service in compose["services"].values())
    assert "firstmate" in compose["services"]
    for needed in ("redis:8", "postgres:", "prom/prometheus"):
        assert needed in images


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_link_in_a_readme_leads_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / link).exists()] == []
