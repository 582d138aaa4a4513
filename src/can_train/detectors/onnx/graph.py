"""Builds ONNX graphs: an operator is a call that takes names of tensors and gives one."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.errors import PreflightError

OPSET: Final = 18
"""The first in which ScatterElements takes the larger one."""

_LOWEST: Final = -3.0e38
"""Below every number of a network, above minus infinity in float32."""

Tensor = str
"""Name of a tensor."""


def onnx_package() -> ModuleType:
    """The package `onnx`.

    Raises:
        PreflightError: It isn't installed.
    """
    try:
        return importlib.import_module("onnx")
    except ModuleNotFoundError as error:
        raise PreflightError(
            f"--format onnx: needs packages that aren't installed ({error.name}). Get them, once: "
            f"can-train env --install onnx"
        ) from error


class OnnxGraph:
    """A graph under construction, in order of its operators.

    Attributes:
        nodes: Its operators.
        constants: Its weights and other constants.
    """

    def __init__(self) -> None:
        onnx = onnx_package()
        self._make_node, self._from_array = onnx.helper.make_node, onnx.numpy_helper.from_array
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def op(self, kind: str, *inputs: Tensor, output: Tensor = "", **attributes: Any) -> Tensor:
        """Adds an operator and gives its output.

        Args:
            kind: Operator of ONNX, such as `MatMul`.
            inputs: What it takes.
            output: Name of the output; absent: one of its own.
            attributes: Attributes of the operator.
        """
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: NDArray[Any] | list[int], name: str = "") -> Tensor:
        """Adds a constant; whole numbers are int64."""
        name = f"{name or 'constant'}_{len(self.constants)}"
        array = np.asarray(value, np.int64) if isinstance(value, list) else np.asarray(value)
        self.constants.append(self._from_array(np.asarray(array, order="C"), name))
        return name

    def number(self, value: float, dtype: type = np.float32) -> Tensor:
        """Adds a single number."""
        return self.constant(np.array(value, dtype))

    def cast(self, x: Tensor, dtype: type) -> Tensor:
        """The same numbers as another type."""
        onnx = onnx_package()
        return self.op("Cast", x, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def sum(self, x: Tensor, axis: int) -> Tensor:
        """Sum over an axis, which goes."""
        return self.op("ReduceSum", x, self.constant([axis]), keepdims=0)

    def lifted(self, x: Tensor, axis: int) -> Tensor:
        """The same with a further axis of length 1."""
        return self.op("Unsqueeze", x, self.constant([axis]))

    def rows_of(self, x: Tensor, row: Tensor) -> Tensor:
        """Rows of a tensor by their numbers."""
        return self.op("Gather", x, row, axis=0)

    def column(self, x: Tensor, number: int) -> Tensor:
        """A column of a matrix."""
        return self.op("Gather", x, self.constant(np.array(number)), axis=1)

    def filled(self, rows: Tensor, width: int | None, value: float, dtype: type) -> Tensor:
        """A tensor of one value: `rows` (a tensor [1]) rows of `width`, or without columns."""
        shape = rows
        if width is not None:
            shape = self.op("Concat", rows, self.constant([width]), axis=0)
        return self.op("Expand", self.constant(np.array(value, dtype)), shape)

    def sums(self, x: Tensor, group: Tensor, groups: Tensor, width: int | None = None, *,
             dtype: type = np.float32) -> Tensor:  # fmt: skip
        """Sums of the rows of each group.

        Args:
            x: Rows [M, width], or [M] without a width.
            group: Group of each row [M], int64.
            groups: Number of groups [1], int64.
            width: Columns.
            dtype: Type of the numbers.
        """
        return self._scattered(x, group, self.filled(groups, width, 0.0, dtype), width, "add")

    def maxima(self, x: Tensor, group: Tensor, groups: Tensor, width: int | None = None) -> Tensor:
        """Largest value of each column and group, float32; see `sums`."""
        return self._scattered(
            x, group, self.filled(groups, width, _LOWEST, np.float32), width, "max"
        )

    def _scattered(
        self, x: Tensor, group: Tensor, room: Tensor, width: int | None, reduction: str
    ) -> Tensor:
        place = group
        if width is not None:
            place = self.op("Expand", self.lifted(group, 1), self.op("Shape", x))
        return self.op("ScatterElements", room, place, x, axis=0, reduction=reduction)
