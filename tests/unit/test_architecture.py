"""Check the imports between the layers, and that each import rule can fail."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

FORBIDDEN_IMPORTS = {
    "Dependencies point inwards": ("leads_domain/lead.py", "import leads_adapters.clock"),
    "The domain imports no library": ("leads_domain/lead.py", "import msgspec"),
    "Families of adapters do not import each other": (
        "leads_adapters/http/controllers/leads.py",
        "import leads_adapters.sql.tables",
    ),
    "Only leads_app imports the container library and the server": ("leads_adapters/http/app.py", "import granian"),
}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [LINT_IMPORTS, "--no-cache", "--config", directory / "pyproject.toml"]
    environment = {"PYTHONPATH": str(directory / "src"), "PATH": ""}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_imports_follow_the_rules(project: Path) -> None:
    result = lint_imports(project)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("rule", FORBIDDEN_IMPORTS)
def test_a_forbidden_import_is_found(rule: str, project: Path) -> None:
    file, statement = FORBIDDEN_IMPORTS[rule]
    target = project / "src" / file
    target.write_text(target.read_text("utf-8") + f"\n{statement}\n", "utf-8")
    result = lint_imports(project)
    assert result.returncode == 1
    assert f"{rule} BROKEN" in result.stdout


def test_every_rule_has_a_forbidden_import_in_this_test() -> None:
    configuration = (ROOT / "pyproject.toml").read_text("utf-8")
    assert configuration.count("[[tool.importlinter.contracts]]") == len(FORBIDDEN_IMPORTS)
    assert all(f'name = "{rule}"' in configuration for rule in FORBIDDEN_IMPORTS)


def test_the_domain_imports_only_the_standard_library() -> None:
    third_party = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "src/leads_domain").rglob("*.py")
        for name in top_level_imports(path)
        if name not in {*sys.stdlib_module_names, "leads_domain"}
    }
    assert third_party == set()


def top_level_imports(path: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_only_the_container_binds_adapters_to_ports() -> None:
    """Only one file chooses the adapters of the use cases."""
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if any(name in path.read_text("utf-8") for name in ("SystemClock", "Uuid7Source", "InternationalNormalizer"))
    }
    definitions = {"src/leads_adapters/clock.py", "src/leads_adapters/ids.py", "src/leads_adapters/normalizer.py"}
    assert users - definitions == {"src/leads_app/container.py"}
