"""How many inputs a property is tried on."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import settings

USUAL: Final = 100
"""Inputs where a test asks for no number (Hypothesis)."""


def examples(number: int, **others: Any) -> settings:
    """So many inputs; under the profile `exploring` as many times more as it tries elsewhere.

    Args:
        number: Of inputs in the usual profile.
        others: Further settings of Hypothesis.
    """
    return settings(max_examples=number * settings().max_examples // USUAL, **others)
