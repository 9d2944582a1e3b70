"""The hexagon holds, and each rule that says so can fail."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "Dependencies point inwards": ("leads_domain/lead.py", "import leads_adapters.clock"),
    "The inside knows no library": ("leads_domain/lead.py", "import msgspec"),
    "The families of adapters do not know each other": (
        "leads_adapters/http/controllers/leads.py",
        "import leads_adapters.sql.tables",
    ),
    "Only the wiring knows the container library and the server": ("leads_adapters/http/app.py", "import granian"),
}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [LINT_IMPORTS, "--no-cache", "--config", directory / "pyproject.toml"]
    environment = {"PYTHONPATH": str(directory / "src"), "PATH": ""}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_rules_of_the_hexagon_are_kept(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_forbidden_import_is_found(rule: str, copy: Path) -> None:
    file, forbidden = PLANTED[rule]
    victim = copy / "src" / file
    victim.write_text(victim.read_text("utf-8") + f"\n{forbidden}\n", "utf-8")
    result = lint(copy)
    assert result.returncode == 1
    assert f"{rule} BROKEN" in result.stdout


def test_every_rule_is_proven_to_be_able_to_fail() -> None:
    told = (ROOT / "pyproject.toml").read_text("utf-8")
    assert told.count("[[tool.importlinter.contracts]]") == len(PLANTED)
    assert all(f'name = "{rule}"' in told for rule in PLANTED)


def test_the_inside_imports_the_standard_library_only() -> None:
    outside = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "src/leads_domain").rglob("*.py")
        for name in imported(path)
        if name not in {*sys.stdlib_module_names, "leads_domain"}
    }
    assert outside == set()


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_only_the_container_binds_adapters_to_ports() -> None:
    """The use cases are made in one place: whoever else made one would choose its adapters."""
    makers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if any(name in path.read_text("utf-8") for name in ("SystemClock", "Uuid7Source", "InternationalNormalizer"))
    }
    defined = {"src/leads_adapters/clock.py", "src/leads_adapters/ids.py", "src/leads_adapters/normalizer.py"}
    assert makers - defined == {"src/leads_app/container.py"}
