"""A feature's name is its column, in the kernels as in the store."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

import can_train.graphs.kernels
from can_train.graphs.features import (
    FEATURE_NAMES,
    ClassicEdge,
    ClassicNode,
    RelationalEdge,
    RelationalNode,
)

KERNELS = sorted(Path(can_train.graphs.kernels.__path__[0]).glob("*.py"))


def test_names_and_order_are_those_of_every_store_so_far():
    names = [name for each in FEATURE_NAMES.values() for name in (*each.node, *each.edge)]
    assert len(names) == 10 + 11 + 21 + 12
    assert hashlib.sha256(",".join(names).encode()).hexdigest()[:16] == "aee22918dc07e4a5"


@pytest.mark.parametrize("columns", [ClassicNode, ClassicEdge, RelationalNode, RelationalEdge])
def test_columns_are_numbered_in_the_order_of_their_names(columns):
    assert [int(column) for column in columns] == list(range(len(columns)))


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_no_column_is_addressed_by_a_bare_number(path):
    """Only the two rows of `edge_index` (source, target), shapes and first or last items are."""
    plain = {"edge_index", "shape", "times"}
    bare = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Subscript):
            continue
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        numbers = [i for i in index if isinstance(i, ast.Constant) and isinstance(i.value, int)]
        if numbers and ast.unparse(node.value).rpartition(".")[2] not in plain:
            bare.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert not bare
