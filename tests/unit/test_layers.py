"""The cut of the house: imports point downwards, names are unique, nobody asks which detector."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

# A package imports itself and those before it. There is no list of exceptions: what is found at run
# time (detectors, formats, executors) is found by `plugins`, which imports none of them by name.
ORDER = (
    "errors", "vocab", "plugins", "files", "tables", "compiled", "threads", "runs", "config",
    "tracking", "frames", "graphs", "dataset", "vehicle", "teachers", "distil", "alarms",
    "detectors", "streaming", "training", "scoring", "baselines", "evaluation", "comparison",
    "deploy", "jobs", "pipeline", "sweeps", "report", "serving", "cli", "__main__",
)  # fmt: skip

# `import can_train` gives the version and looks the names of the public API up when they are used,
# so the modules behind them stand above it; `environment` is run by the launcher with any Python
# before there is an environment.
ALONE = ("__init__", "environment")

CONTROL_PLANE = ("errors", "vocab", "plugins", "files", "tables", "runs", "config", "tracking",
                 "teachers", "jobs", "pipeline", "sweeps", "cli", "__main__", *ALONE)  # fmt: skip

COMPUTES = {"torch", "torch_geometric", "lightning", "mlflow", "numpy", "polars", "numba",
            "scipy", "sklearn", "pyarrow", "matplotlib"}  # fmt: skip

# What `jobs` may know, so that an executor can be written without the rest.
UNDER_JOBS = {"errors", "vocab", "plugins", "files", "runs", "config", "jobs"}

CLAIM = re.compile(r"stdlib (?:and filelock )?only")
"""In a module's docstring: importing it imports nothing that is installed, but `filelock`."""

MUST_CLAIM = {
    "vocab", "plugins", "files", "environment", "config.schema", "config.spec", "config.codec",
    "config.frozen", "dataset.manifest", "graphs.features", "graphs.identity", "frames.recording",
    "runs.layout", "runs.state", "runs.process", "runs.find", "deploy.exporter",
}  # fmt: skip

MODELS = {"gat", "vgae", "dqn"}
MAY_NAME_MODELS = ("detectors", "vocab", "cli.examples", "deploy.c99")  # C is written for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a module imports, wherever in it the statement stands.

    Attributes:
        target: Module, or name in a module, with dots.
        line: Of the statement.
        deferred: Whether importing the module doesn't run it: in a function, or for types.
    """

    target: str
    line: int
    deferred: bool

    @property
    def root(self) -> str:
        return self.target.partition(".")[0]


def path_of(module: str) -> Path:
    path = SOURCE.joinpath("can_train", *module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def modules() -> list[str]:
    """All modules with dots, without `can_train.`; packages under their own name."""
    paths = [path.relative_to(SOURCE / "can_train") for path in SOURCE.rglob("*.py")]
    names = [".".join(path.with_suffix("").parts) for path in paths]
    return sorted(n.removesuffix(".__init__") if "." in n else n for n in names)


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def package_of(module: str) -> str:
    return module.partition(".")[0]


def within(module: str, *names: str) -> bool:
    """Whether `module` is one of `names` or inside one of them."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


@cache
def imports_of(module: str) -> list[Import]:
    return list(_imports(tree_of(module), module, deferred=False))


def _imports(node: ast.AST, module: str, *, deferred: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(target=alias.name, line=child.lineno, deferred=deferred)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module}:{child.lineno}: relative import"
            for alias in child.names:
                target = f"{child.module}.{alias.name}"
                yield Import(target=target, line=child.lineno, deferred=deferred)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, module, deferred=deferred or inside or _for_types(child))


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def own(found: Import) -> str:
    """The package of ours that is imported; empty for others, and for the version of ours."""
    if found.root != "can_train":
        return ""
    package = found.target.split(".")[1] if "." in found.target else ""
    return package if package in {*ORDER, *ALONE} else ""


def test_every_package_has_its_place() -> None:
    assert {package_of(module) for module in modules()} == {*ORDER, *ALONE}


@pytest.mark.parametrize("package", ORDER)
def test_imports_point_downwards(package: str) -> None:
    allowed = {"", *ORDER[: ORDER.index(package) + 1]}
    if package == "jobs":
        allowed = {"", *UNDER_JOBS}
    wrong = [
        f"{module}:{found.line} imports {found.target}"
        for module in modules()
        if package_of(module) == package
        for found in imports_of(module)
        if own(found) not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("module", ALONE)
def test_what_stands_alone_imports_nothing_of_ours_when_it_is_imported(module: str) -> None:
    found = [each for each in imports_of(module) if not each.deferred]
    assert not [each.target for each in found if own(each)]
    assert {each.root for each in found} <= {*sys.stdlib_module_names, "can_train"}


def test_the_control_plane_computes_nothing_at_module_level() -> None:
    wrong = [
        f"{module}:{found.line} imports {found.target}"
        for module in modules()
        if within(module, *CONTROL_PLANE)
        for found in imports_of(module)
        if not found.deferred and found.root in COMPUTES
    ]
    assert not wrong


def stdlib_only() -> set[str]:
    """Modules that say of themselves that they are."""
    return {m for m in modules() if CLAIM.search(ast.get_docstring(tree_of(m)) or "")}


def module_behind(target: str) -> str | None:
    """Our module that importing `target` (a module, or a name in one) runs."""
    parts = target.split(".")[1:]
    known = set(modules())
    found = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in found if name in known), None)


def test_leaves_say_that_they_are() -> None:
    assert not MUST_CLAIM - stdlib_only()


@pytest.mark.parametrize("module", sorted(stdlib_only()))
def test_what_says_that_it_is_stdlib_only_is_so_through_all_that_it_imports(module: str) -> None:
    known = {*sys.stdlib_module_names, "can_train", "filelock"}
    seen, waiting, wrong = set(), [module], []
    while waiting:
        current = waiting.pop()
        seen.add(current)
        for found in imports_of(current):
            behind = module_behind(found.target) if found.root == "can_train" else None
            if found.deferred:
                continue
            if found.root not in known:
                wrong.append(f"{current}:{found.line} imports {found.target}")
            if behind is not None and behind not in seen:
                waiting.append(behind)
    assert not wrong


def test_what_the_control_plane_imports_of_the_compute_plane_is_light() -> None:
    light = stdlib_only()
    wrong = [
        f"{module}:{found.line} imports {found.target}"
        for module in modules()
        if within(module, *CONTROL_PLANE)
        for found in imports_of(module)
        if not found.deferred and own(found) not in {"", *CONTROL_PLANE}
        if module_behind(found.target) not in light
    ]
    assert not wrong


def test_what_a_detector_declares_imports_nothing_heavier_than_config() -> None:
    specs = [name for name in modules() if name.startswith("detectors.") and name.endswith(".spec")]
    assert len(specs) >= len(MODELS)
    allowed = {*sys.stdlib_module_names, "can_train"}
    for module in specs:
        for found in imports_of(module):
            assert found.root in allowed, f"{module}:{found.line}"
            assert own(found) in {"", "config", "vocab", "errors"}, f"{module}:{found.line}"


def test_no_two_classes_have_the_same_name() -> None:
    homes = defaultdict(list)
    for module in modules():
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{module}:{node.lineno}")
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_only_detectors_and_examples_name_a_detector() -> None:
    wrong = [
        f"{module}:{node.lineno} {node.value!r}"
        for module in modules()
        if not within(module, *MAY_NAME_MODELS)
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Constant) and node.value in MODELS
    ]
    assert not wrong
