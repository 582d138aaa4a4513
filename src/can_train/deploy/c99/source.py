"""Tables of numbers as C: an array each, with a comment that says what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.deploy.c99.rounding import rounded

CType = Literal["float", "ct_weight", "ct_end", "ct_rank", "uint32_t", "uint16_t"]

_WIDTH: Final = 96
_LARGEST_END: Final = 32_767
_INFINITE: Final = 1e30
"""What stands for infinity: beyond all that is measured, and far from the end of float32."""


class CSource:
    """The generated source file as it grows; equal arrays are written once.

    Args:
        whole: Whether matrices are stored as whole numbers of eight bits.
    """

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self._parts: list[str] = []
        self._known: dict[tuple[str, bytes], str] = {}

    @property
    def text(self) -> str:
        """All that was written so far."""
        return "\n".join(self._parts)

    def add(self, text: str) -> None:
        """Writes C as it is."""
        self._parts.append(text)

    def array(self, name: str, kind: CType, values: NDArray[np.generic], comment: str) -> str:
        """Writes an array; gives its name, or that of an equal one. `NULL` for none."""
        if not values.size:
            return "NULL"
        flat = np.ascontiguousarray(values).ravel()
        key = (kind, flat.tobytes())
        if key not in self._known:
            self._known[key] = name
            numbers = [literal(value) for value in flat.tolist()]
            self.add(
                f"/* {comment} */\nstatic const {kind} {name}[] = {{\n{_lines(numbers)}\n}};\n"
            )
        return self._known[key]

    def matrix(self, name: str, weights: NDArray[np.floating], comment: str) -> str:
        """Writes a matrix [inputs, outputs]; gives its `ct_matrix`."""
        inputs, outputs = weights.shape
        told = f"{comment} [{inputs}][{outputs}]"
        if not self.whole:
            stored = self.array(name, "ct_weight", floats(weights), told)
            return f"{{{stored}, NULL, {inputs}, {outputs}}}"
        found = rounded(weights)
        stored = self.array(name, "ct_weight", found.weights, told)
        units = self.array(f"{name}_units", "float", found.units, f"unit of each output of {name}")
        return f"{{{stored}, {units}, {inputs}, {outputs}}}"

    def ends(self, name: str, weights: NDArray[np.floating], comment: str) -> str:
        """Writes what attention scores come from [inputs, ends]; gives their `ct_ends`.

        With matrices in eight bits these have sixteen: attention is exponential in them.
        """
        told = f"{comment} [{weights.shape[0]}][{weights.shape[1]}]"
        if not self.whole:
            return f"{{{self.array(name, 'ct_end', floats(weights), told)}, NULL}}"
        largest = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny * _LARGEST_END)
        units = floats(largest / _LARGEST_END)
        found = np.clip(np.round(weights / units), -_LARGEST_END, _LARGEST_END).astype(np.int16)
        stored = self.array(name, "ct_end", found, told)
        return f"{{{stored}, {self.array(f'{name}_units', 'float', units, f'units of {name}')}}}"


def literal(value: float | int) -> str:
    """A number as C has it."""
    if isinstance(value, int):
        return str(value)
    bounded = min(max(value, -_INFINITE), _INFINITE)
    text = f"{float(np.float32(bounded)):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def floats(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """As tables hold them."""
    return np.ascontiguousarray(values, np.float32)


def _lines(numbers: Sequence[str]) -> str:
    lines, line = [], "   "
    for number in numbers:
        if len(line) + len(number) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {number},"
    return "\n".join([*lines, line])
