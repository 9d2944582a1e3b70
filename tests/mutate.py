"""Measure how many mutants of `leads_domain` the cheap tests kill: `make mutate`. A mutant has one small fault.

mutmut tries the mutants of plain functions and class methods. It imports each module once and switches between its
mutants, which is fast, but what runs during the import escapes it. Here its operators mutate the rest: tables,
constants, the defaults of dataclasses, and functions with decorators, such as properties. These mutants, and those
that survived mutmut, are each imported by a new process. Decorators are not mutated, nor are types, which mypy checks.
"""

import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from importlib import import_module
from importlib.machinery import SourceFileLoader
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from pathlib import Path

import libcst as cst
import libcst.matchers as m
import pytest
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.file_mutation import create_mutations
from mutmut.mutation.mutators import mutation_operators
from mutmut.stats import status_by_exit_code

PACKAGE = Path("src/leads_domain")
REQUIRED = 0.95
SECONDS_MAX = 100
"""The processor time for the tests of one mutant. A mutant that needs more is killed: it never ends."""

_DONE_BY_MUTMUT = m.FunctionDef(decorators=[]) | m.FunctionDef(
    decorators=[m.Decorator(m.Name("classmethod") | m.Name("staticmethod"))]
)
_TYPES = m.Annotation() | m.Assign(
    value=m.Subscript() | m.BinaryOperation(operator=m.BitOr()) | m.Call(m.Name("NewType") | m.Name("TypeVar"))
)
_LEFT_ALONE = _DONE_BY_MUTMUT | _TYPES | m.Decorator() | m.Arg(keyword=m.Name("total"))


@dataclass(frozen=True)
class Mutant:
    """A module with one fault, and whether mutmut has killed it."""

    path: Path
    module: cst.Module
    original: cst.CSTNode
    mutated: cst.CSTNode
    is_killed: bool = False

    def code(self) -> str:
        """Return the module with the fault."""
        return cst.ensure_type(self.module.deep_replace(self.original, self.mutated), cst.Module).code

    def diff(self) -> str:
        """Return the changed lines."""
        before, after = self.path.read_text("utf-8").splitlines(), self.code().splitlines()
        return "\n".join([str(self.path), *list(unified_diff(before, after, n=0, lineterm=""))[2:]])


class _Rest(cst.CSTVisitor):
    """Collect the mutations of the code that mutmut leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.mutations: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Apply each operator to the node, and visit its children unless they are skipped."""
        if m.matches(node, _LEFT_ALONE):
            return False
        mutated = (new for kind, operator in mutation_operators if isinstance(node, kind) for new in operator(node))
        self.mutations.extend((node, new) for new in mutated)
        return True


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of each module."""
    for path in sorted(set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("testing/*"))):
        module, mutations, *_ = create_mutations(str(path), path.read_text("utf-8"))
        data = SourceFileMutationData(path=path)
        data.load()
        statuses = [status_by_exit_code[code] for code in data.exit_code_by_key.values()]
        plain = [each for each in mutations if isinstance(each.contained_by_top_level_function, cst.FunctionDef)]
        for each, status in zip(plain, statuses, strict=True):
            yield Mutant(path, module, each.original_node, each.mutated_node, status in ("killed", "timeout"))
        module.visit(rest := _Rest())
        yield from (Mutant(path, module, node, new) for node, new in rest.mutations)


def is_killed(mutant: Mutant) -> bool:
    """Run the tests of the module, and then all cheap tests, each in a new process. Return whether one fails."""
    if mutant.is_killed:
        return True
    folders = config().pytest_add_cli_args_test_selection
    own = [test for folder in folders if Path(test := f"{folder}/test_{mutant.path.name}").exists()]
    return (own != [] and not _passes(mutant, own)) or not _passes(mutant, folders)


def _passes(mutant: Mutant, tests: Sequence[str]) -> bool:
    process = get_context("fork").Process(target=_run_tests, args=(mutant, tests))
    process.start()
    process.join()
    return process.exitcode == 0


def _run_tests(mutant: Mutant, tests: Sequence[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    path, code, get_code = str(mutant.path.resolve()), mutant.code(), SourceFileLoader.get_code

    def get_mutated_code(self: SourceFileLoader, name: str) -> object:
        return compile(code, path, "exec") if self.path == path else get_code(self, name)

    SourceFileLoader.get_code = get_mutated_code  # type: ignore[method-assign,assignment]
    options = ["-x", "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", *config().pytest_add_cli_args]
    os._exit(pytest.main([*options, *tests]))


def main() -> None:
    """Print the survivors and the score, and fail if the score is too low."""
    for library in ("alembic.command", "email_validator", "hypothesis.stateful", "psycopg"):
        import_module(library)  # once, because each process would need a second for it
    every = list(mutants())
    if is_killed(replace(every[0], mutated=every[0].original, is_killed=False)):
        sys.exit("The tests fail without a mutant, too. Run `make check`.")
    with ThreadPool() as pool:
        survivors = [mutant for mutant, killed in zip(every, pool.imap(is_killed, every), strict=True) if not killed]
    killed = len(every) - len(survivors)
    sys.stdout.writelines(f"{mutant.diff()}\n\n" for mutant in survivors)
    score = f"{killed} of {len(every)} mutants killed: {killed / len(every):.1%}"
    sys.stdout.write(f"{score}\n")
    sys.exit(killed < REQUIRED * len(every) and f"At least {REQUIRED:.0%} are required.")


if __name__ == "__main__":
    main()
