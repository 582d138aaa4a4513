"""Writes a detector, with those that it fuses, as one ONNX model.

It takes the tensors of graphs (`graphs.batch.RawGraphs`) of any number of windows, nodes and edges,
and gives for each scorer margins and p-values, and what a fusion doubts. Scaling, ID vocabulary,
calibration and fusion are inside; how frames become graphs, levels, the alarm rule and vehicle
profiles aren't.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from can_train.config.spec import implementation
from can_train.deploy.bundle.write import about
from can_train.deploy.exporter import Export
from can_train.detectors.bundle import SUFFIX, read_bundle
from can_train.detectors.calibration import Threshold
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.kernels.level import MEMORY_WINDOWS, STEPS, WARM_UP_WINDOWS
from can_train.detectors.onnx.graph import OPSET, OnnxGraph, onnx_package
from can_train.detectors.onnx.judging import OnnxSaid, p_value
from can_train.detectors.onnx.parts import INPUTS
from can_train.errors import ArtifactError
from can_train.files import writing
from can_train.graphs.features import FEATURE_NAMES

_TOLD: Final = ("versions", "identity", "dataset", "metrics", "licence")
"""Of what a bundle's manifest tells."""

IR_VERSION: Final = 9
"""Of the file; runtimes since 2023 read it."""


def write(export: Export) -> None:
    """Writes the model.

    Raises:
        PreflightError: The package `onnx` isn't installed.
        ArtifactError: A detector has no such form.
    """
    bundled = export.source.suffix == SUFFIX
    told = read_bundle(export.source).manifest if bundled else about(export)
    model = model_of(export.detector, {name: told[name] for name in _TOLD})
    with writing(export.out) as stream:
        stream.write(model.SerializeToString(deterministic=True))
    export.report(f"inputs: {', '.join(INPUTS)}; how frames become them: docs/guides/deploy.md")


def model_of(detector: FrameScorer, told: dict[str, Any]) -> Any:
    """The model, checked.

    Args:
        detector: The detector with those that it fuses.
        told: Whatever else its metadata tell, as JSON values.

    Raises:
        PreflightError: The package `onnx` isn't installed.
        ArtifactError: A detector has no such form.
    """
    onnx, g = onnx_package(), OnnxGraph()
    said: dict[str, OnnxSaid] = {}
    outputs = []
    for name, trained in detector.trained.items():
        if not trained.spec.onnx:
            raise ArtifactError(f"{name}: has no form in ONNX (`Spec.onnx`). Use a bundle")
        add = implementation(trained.spec.onnx)
        said[name] = add(g, trained, {expert: said[expert] for expert in trained.experts})
        row = trained.spec.row
        outputs.append(g.op("Identity", said[name].score, output=f"{row}_margin"))
        outputs.append(p_value(g, said[name].score, trained.evidence.benign, f"{row}_p_value"))
        doubt = said[name].doubt
        if doubt is not None:
            outputs.append(g.op("Identity", doubt, output=f"{row}_doubt"))
    graph = onnx.helper.make_graph(
        g.nodes, "can-train", _inputs(detector), _outputs(outputs), initializer=g.constants
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    model = onnx.helper.make_model(
        graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="can-train"
    )
    onnx.helper.set_model_props(model, _metadata(detector, told))
    onnx.checker.check_model(model, full_check=True)
    return model


def _inputs(detector: FrameScorer) -> list[Any]:
    onnx = onnx_package()
    names = FEATURE_NAMES[detector.spec.features]
    real, whole = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    shapes = {
        "node_x": (real, ["nodes", len(names.node)]),
        "node_id": (whole, ["nodes"]),
        "edge_x": (real, ["edges", len(names.edge)]),
        "edge_index": (whole, [2, "edges"]),
        "window": (whole, ["nodes"]),
    }
    return [onnx.helper.make_tensor_value_info(name, *shapes[name]) for name in INPUTS]


def _outputs(names: list[str]) -> list[Any]:
    onnx = onnx_package()
    double = onnx.TensorProto.DOUBLE
    return [onnx.helper.make_tensor_value_info(name, double, ["windows"]) for name in names]


def _metadata(detector: FrameScorer, told: dict[str, Any]) -> dict[str, str]:
    """What a user of the model has to know, as JSON texts."""
    spec = detector.spec
    names = FEATURE_NAMES[spec.features]
    known = {
        **told,
        "window": {"features": spec.features, "frames": spec.window, "stride": spec.stride},
        "node_features": names.node,
        "edge_features": names.edge,
        "alarm_rule": asdict(detector.rule),
        "thresholds": {d.spec.row: d.threshold.value for d in detector.detectors.values()},
        "levels": {d.spec.row: _level(d.threshold) for d in detector.detectors.values()},
    }
    return {name: json.dumps(value) for name, value in known.items()}


def _level(threshold: Threshold) -> dict[str, float] | None:
    """What a user needs to judge a calm recording by its own level; see `kernels.level`."""
    if threshold.level is None:
        return None
    return {
        "level": threshold.level,
        "step": threshold.level_step,
        "steps": STEPS,
        "warm_up_windows": WARM_UP_WINDOWS,
        "memory_windows": MEMORY_WINDOWS,
    }
