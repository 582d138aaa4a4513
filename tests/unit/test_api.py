"""What `import can_train` offers: few names, each loaded when it is asked for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import can_train

HEAVY = {"torch", "numpy", "polars", "numba", "sklearn", "torch_geometric", "hydra_zen", "rich"}


def imported_for_types() -> dict[str, str]:
    """Module that type checkers see each public name in."""
    tree = ast.parse(Path(str(can_train.__file__)).read_text("utf-8"))
    return {
        alias.name: str(node.module)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_there_are_at_most_fifteen_names() -> None:
    assert len(can_train.__all__) <= 15
    assert sorted(can_train.__all__) == list(can_train.__all__)


@pytest.mark.parametrize("name", can_train.__all__)
def test_a_name_is_what_type_checkers_take_it_for(name: str) -> None:
    module = importlib.import_module(imported_for_types()[name])
    assert vars(can_train).get(name, can_train.__getattr__(name)) is vars(module)[name]


def test_type_checkers_see_all_names_and_no_others() -> None:
    assert sorted(imported_for_types()) == list(can_train.__all__)


def test_names_are_listed_before_they_are_loaded() -> None:
    code = "import can_train; print(*dir(can_train))"
    assert set(can_train.__all__) <= set(in_a_fresh_interpreter(code).split())


def test_importing_and_listing_load_nothing_heavy() -> None:
    code = (
        "import sys, can_train; dir(can_train); can_train.CanTrainError; can_train.WindowSpec; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert not HEAVY & set(in_a_fresh_interpreter(code).split())


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'can_train' has no attribute 'open_detektor'"):
        can_train.open_detektor  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(str(can_train.__file__)).with_name("py.typed").is_file()
