"""What is added by adding a file or folder: detectors, log formats, executors (stdlib only).

Each of them declares itself by a module-level constant: a `Spec` in `detectors/<name>/spec.py`, a
`Format` in `frames/readers/<name>.py`, an `Executor` in `jobs/<name>/executor.py`. Nobody imports
these modules by name; they are found by looking into the folder. `$CAN_TRAIN_PLUGINS` names further
files (separated by `:`) that declare any of them, for code that lies outside of this package; it is
inherited by workers and by Slurm jobs.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, TypeVar

from can_train.errors import ConfigError

PLUGINS_VARIABLE: Final = "CAN_TRAIN_PLUGINS"

T = TypeVar("T")


class Named(Protocol):
    """Something that is chosen by its name."""

    @property
    def name(self) -> str:
        """Its name."""


N = TypeVar("N", bound=Named)


def declared(kind: type[T], package: str, leaf: str = "") -> tuple[T, ...]:
    """Every constant of type `kind` that a module declares, those of this package first.

    Args:
        kind: `Spec`, `Format` or `Executor`.
        package: Folder of this package that holds them, such as `detectors`.
        leaf: Module within each of its subfolders; empty: its modules themselves.

    Raises:
        ConfigError: A plugin file is missing or fails to load.
    """
    found: dict[int, T] = {}
    for module in (*_built_in(package, leaf), *_plugins()):
        found |= {id(value): value for value in vars(module).values() if isinstance(value, kind)}
    return tuple(found.values())


def by_name(values: Iterable[N], what: str) -> dict[str, N]:
    """What was found, by name, in this order.

    Args:
        values: What modules declare.
        what: What it is, in the plural.

    Raises:
        ConfigError: Two of them have one name.
    """
    found: dict[str, N] = {}
    for value in values:
        if value.name in found:
            raise ConfigError(
                f"two {what} are called {value.name}. Rename the one that ${PLUGINS_VARIABLE} "
                "adds, or unset the variable"
            )
        found[value.name] = value
    return found


@cache
def _built_in(package: str, leaf: str) -> tuple[ModuleType, ...]:
    """Those of this package: what it declares stays while a process runs."""
    folder = Path(__file__).parent.joinpath(*package.split("."))
    pattern = f"*/{leaf}.py" if leaf else "*.py"
    names = (
        path.relative_to(Path(__file__).parent).with_suffix("").parts
        for path in sorted(folder.glob(pattern))
        if path.stem != "__init__"
    )
    return tuple(importlib.import_module(".".join(("can_train", *parts))) for parts in names)


def _plugins() -> tuple[ModuleType, ...]:
    """Those of the environment; each is one module, by its file name."""
    files: dict[str, str] = {}
    for name in filter(None, os.environ.get(PLUGINS_VARIABLE, "").split(os.pathsep)):
        other = files.setdefault(Path(name).stem, name)
        if other != name:
            raise ConfigError(
                f"${PLUGINS_VARIABLE}: {other} and {name} have one file name. Rename one of them"
            )
    return tuple(_loaded(name) for name in files.values())


@cache
def _loaded(name: str) -> ModuleType:
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"${PLUGINS_VARIABLE}: {name} isn't a Python file. Name files, separated by "
            f"{os.pathsep}, or unset it"
        )
    try:
        return module_in(path)
    except Exception as error:
        raise ConfigError(
            f"${PLUGINS_VARIABLE}: {name} can't be loaded ({type(error).__name__}: {error}). "
            "Mend it, or unset the variable"
        ) from error


def module_in(path: Path) -> ModuleType:
    """Runs a Python file as a module of its own; what it raises goes through.

    Raises:
        ImportError: It isn't a Python file.
    """
    path = path.absolute()
    spec = importlib.util.spec_from_file_location(f"can_train_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look their module up
    spec.loader.exec_module(module)
    return module
