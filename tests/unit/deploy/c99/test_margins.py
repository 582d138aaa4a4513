"""Margins of benign windows as tables of C."""

from __future__ import annotations

import re

import numpy as np

from can_train.deploy.c99.margins import Needed, margins_of
from can_train.deploy.c99.source import CSource
from can_train.detectors.evidence import Margins

WINDOWS = 1000


def tables(margins: Margins, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and how many windows have less, as they are written."""
    source = CSource(whole=False)
    asked = Needed(state=False, excess=False, ids=False, most_margins=most)
    margins_of(source, "known", margins, asked)
    values, ranks = re.findall(r"\{\n(.*?)\n\}", source.text, re.DOTALL)
    return np.array(values.replace("f", "").split(",")[:-1], np.float32), np.array(
        ranks.split(",")[:-1], float
    )


def p_values(table: tuple[np.ndarray, np.ndarray], asked: np.ndarray) -> np.ndarray:
    """As `ct_p_value` of a margin that isn't above all."""
    known, smaller = table
    found = np.searchsorted(known, asked)
    return (1 + WINDOWS - smaller[found]) / (WINDOWS + 1)


def test_all_of_few_margins_are_written() -> None:
    margins = Margins.of(np.random.default_rng(1).normal(size=WINDOWS))
    table = tables(margins, WINDOWS)
    asked = margins.values[::7].astype(np.float32)
    np.testing.assert_allclose(p_values(table, asked), margins.p_value(margins.values[::7]))


def test_of_many_the_largest_stay_and_no_p_value_becomes_smaller() -> None:
    margins = Margins.of(np.random.default_rng(2).normal(size=WINDOWS))
    table = tables(margins, 40)
    assert len(table[0]) == 40
    exact = margins.p_value(margins.values)
    found = p_values(table, margins.values.astype(np.float32))
    assert (found >= exact - 1e-12).all()
    np.testing.assert_allclose(found[-19:], exact[-19:])
    assert (found - exact).max() < 0.1
