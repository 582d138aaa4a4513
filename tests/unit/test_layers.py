"""Imports point downwards only: control plane, compute plane, and leaves that both may use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

# Standard library and other leaves only; every unit may import them.
LEAVES = {
    "can_train",
    "vocab",
    "errors",
    "environment",
    "config.schema",
    "config.codec",
    "config.frozen",
    "data.manifest",
    "runs.files",
    "runs.layout",
    "runs.process",
    "runs.status",
    "runs.slurm_jobs",
    "runs.stop",
    "runs.summary",
    "runs.teachers",
    "runs.weights_file",
}

# What a unit may import at module level besides the leaves and itself.
MAY_IMPORT = {
    # control plane
    "__main__": {"cli"},
    "cli": {"pipeline", "jobs", "config", "runs"},
    "pipeline": {"jobs", "config", "runs"},
    "jobs": {"config"},
    "config": set(),
    "runs": {"config"},
    # compute plane
    "training": {"evaluation", "models", "data", "runs.checkpoint", "runs.parents"},
    "deploy": {"models", "data", "runs.checkpoint"},
    "evaluation": {"models", "data", "runs.checkpoint", "runs.parents"},
    "runs.checkpoint": {"evaluation.thresholds", "models", "data"},
    "runs.parents": {"runs.checkpoint"},
    "models": {"data"},
    "data": set(),
}

# The bridge: a command may import the compute plane inside a function, or for its types.
DEFERRED = {"cli": {"training", "evaluation", "deploy", "data", "models", "runs.checkpoint"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import statement's target; `deferred` if importing the module doesn't run it."""

    target: str
    line: int
    deferred: bool


def modules() -> list[str]:
    paths = (path.relative_to(SOURCE) for path in (SOURCE / "can_train").rglob("*.py"))
    return sorted(".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in paths)


def imports_of(module: str) -> Iterator[Import]:
    path = SOURCE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    yield from _walk(ast.parse(path.read_text(encoding="utf-8")), deferred=False)


def _walk(node: ast.AST, *, deferred: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = deferred or isinstance(child, ast.FunctionDef) or _is_for_types(child)
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(target=alias.name, line=child.lineno, deferred=deferred)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: relative import"
            for alias in child.names:
                target = f"{child.module}.{alias.name}"
                yield Import(target=target, line=child.lineno, deferred=deferred)
        else:
            yield from _walk(child, deferred=inside)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def unit_of(dotted: str) -> str:
    """The longest name in the tables above that holds `dotted`."""
    if dotted == "can_train" or dotted.startswith("can_train.__version__"):
        return "can_train"
    parts = dotted.split(".")[1:]
    known = LEAVES | MAY_IMPORT.keys() | set().union(*MAY_IMPORT.values())
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in known:
            return name
    raise AssertionError(f"{dotted}: unit unknown to the tables of this test")


def within(unit: str, allowed: set[str]) -> bool:
    part_of_allowed = any(unit.startswith(f"{name}.") for name in allowed)
    return unit in allowed or (part_of_allowed and unit not in MAY_IMPORT)


@pytest.mark.parametrize("module", modules())
def test_imports_point_downwards(module: str) -> None:
    unit = unit_of(module)
    wrong = []
    for found in imports_of(module):
        if found.target.partition(".")[0] != "can_train":
            continue
        target = unit_of(found.target)
        allowed = LEAVES | MAY_IMPORT.get(unit, set())
        if unit not in LEAVES:
            allowed |= {unit}
        if found.deferred:
            allowed = allowed | DEFERRED.get(unit, set())
        if not within(target, allowed):
            wrong.append(f"line {found.line}: {unit} imports {found.target}")
    assert not wrong


@pytest.mark.parametrize("leaf", sorted(LEAVES - {"can_train"}))
def test_leaves_use_the_standard_library_only(leaf: str) -> None:
    roots = {found.target.partition(".")[0] for found in imports_of(f"can_train.{leaf}")}
    assert roots <= sys.stdlib_module_names | {"can_train"}


def test_runs_checkpoint_is_the_only_part_of_runs_that_computes() -> None:
    heavy = {"torch", "numpy", "polars", "lightning", "torch_geometric"}
    using = {
        module
        for module in modules()
        if module.startswith("can_train.runs.")
        and heavy & {found.target.partition(".")[0] for found in imports_of(module)}
    }
    assert using == {"can_train.detectors.base"}
