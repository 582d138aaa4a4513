"""ONNX: the networks with scaling and calibration, for other runtimes (stdlib only)."""

from __future__ import annotations

from typing import Final

from can_train.deploy.exporter import Exporter

EXPORTER: Final = Exporter(
    name="onnx",
    title="graph tensors in, margins and p-values out, for ONNX Runtime and others",
    suffix=".onnx",
    write="can_train.deploy.onnx.write:write",
    order=20,
)
