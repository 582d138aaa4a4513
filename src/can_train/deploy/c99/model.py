"""Tables of one network each, from the arrays of a trained detector."""

from __future__ import annotations

import numpy as np

from can_train.config.schema import FusionConfig
from can_train.deploy.c99.layers import (
    MemorySizes,
    add_attention,
    add_dense,
    dense,
    fields_of,
    row_of,
    sizes_of,
    vector,
)
from can_train.deploy.c99.margins import Needed, margins_of
from can_train.deploy.c99.source import CSource, literal
from can_train.detectors.evidence import yardstick_of
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.gat.window import effective_weights
from can_train.detectors.kernels.stacks import Residual
from can_train.detectors.window_scorer import (
    TrainedDetector,
    attention_stack,
    dense_stack,
    layers_of,
)
from can_train.graphs.features import RelationalEdge, RelationalNode


def add_vgae(source: CSource, trained: TrainedDetector, asked: Needed) -> MemorySizes:
    """Writes the anomaly detector `ct_vgae`."""
    weights = trained.weights
    encoder = attention_stack(
        weights, "encoder", Residual.NONE, (len(RelationalNode), len(RelationalEdge) + 1)
    )
    latent = dense_stack(weights, ["mean"])
    decoder = dense_stack(weights, layers_of(weights, "decoder"))
    add_attention(source, "vgae_encoder", encoder, loops=True, edge_at=0)
    add_dense(source, "vgae_decoder", decoder)
    source.add(_model("vgae", [
        ("inputs", _inputs(source, "vgae", trained, asked)),
        ("encoder", "vgae_encoder"),
        ("decoder", "vgae_decoder"),
        ("latent", dense(source, "vgae_latent", latent)[0]),
        ("error_unit", "{" + ", ".join(map(literal, trained.extras["error_scale"].tolist())) + "}"),
        ("experience", _experience(source, "vgae", trained, asked)),
        ("encoder_layers", str(len(encoder.sizes))),
        ("decoder_layers", str(len(decoder.widths) - 1)),
    ]))  # fmt: skip
    rows = max(*latent.widths, *decoder.widths)
    return sizes_of(encoder, rows=int(rows), pooled=1)


def add_gat(
    source: CSource,
    trained: TrainedDetector,
    sizes: GatConfig,
    asked: Needed,
    edge_at: int,
) -> MemorySizes:
    """Writes the classifier `ct_gat`; `edge_at`: scores of edges before its own."""
    weights = effective_weights(trained.weights, sizes)
    layers = attention_stack(
        weights, "convolutions", Residual.INPUT, (len(RelationalNode), len(RelationalEdge))
    )
    classifier = dense_stack(weights, layers_of(weights, "classifier"))
    add_attention(source, "gat_layers", layers, loops=False, edge_at=edge_at)
    add_dense(source, "gat_classifier", classifier)
    source.add(_model("gat", [
        ("inputs", _inputs(source, "gat", trained, asked)),
        ("layers", "gat_layers"),
        ("classifier", "gat_classifier"),
        ("experience", _experience(source, "gat", trained, asked)),
        ("layer_count", str(len(layers.sizes))),
        ("classifier_layers", str(len(classifier.widths) - 1)),
    ]))  # fmt: skip
    return sizes_of(layers, rows=row_of(classifier), pooled=int(classifier.widths.max()))


def add_fusion(source: CSource, trained: TrainedDetector, asked: Needed) -> MemorySizes:
    """Writes the fusion `ct_fusion`."""
    agent = dense_stack(trained.weights, layers_of(trained.weights, "agent.layers"))
    linear = policy_of(trained) != "dqn"
    if not linear:
        add_dense(source, "fusion_agent", agent)
    weight = trained.weights["weight"] if linear else np.zeros(0)
    bias = float(trained.weights["bias"][0]) if linear else 0.0
    mean, unit = trained.extras["state_mean"], trained.extras["state_scale"]
    state = [
        ("state_mean", vector(source, "fusion_state_mean", mean, "mean of what experts say")),
        ("state_unit", vector(source, "fusion_state_unit", unit, "unit of what experts say")),
    ] if asked.state else []  # fmt: skip
    source.add(_model("fusion", [
        *state,
        ("weight", vector(source, "fusion_weight", weight, "weight of what experts say")),
        ("agent", "NULL" if linear else "fusion_agent"),
        ("known_car", margins_of(source, "fusion_known", trained.evidence.benign, asked)),
        ("bias", literal(bias)),
        ("relief", literal(float(trained.threshold.relief))),
        ("agent_layers", "0" if linear else str(len(agent.widths) - 1)),
    ]))  # fmt: skip
    return MemorySizes(row=row_of(agent), pooled=max(int(agent.widths.max()), len(mean)))


def policy_of(trained: TrainedDetector) -> str:
    """The policy of a fusion."""
    return (trained.config.fusion or FusionConfig()).fusion_policy


def _experience(source: CSource, name: str, trained: TrainedDetector, asked: Needed) -> str:
    """What a detector's margins are compared with, as far as anybody asks."""
    evidence, threshold = trained.evidence, trained.threshold
    fields = [("known_car", margins_of(source, f"{name}_known", evidence.benign, asked))]
    if asked.state:
        other_cars = margins_of(source, f"{name}_other", evidence.other_cars, asked)
        fields.append(("other_cars", other_cars))
    if asked.excess:
        measured = yardstick_of(threshold, evidence, trained.spec.holds_on_other_cars)
        yardstick = ", ".join(literal(float(each)) for each in measured)
        fields.append(("yardstick", f"{{{yardstick}}}"))
    fields.append(("relief", literal(float(threshold.relief))))
    return fields_of(fields)


def _inputs(source: CSource, name: str, trained: TrainedDetector, asked: Needed) -> str:
    scaler = trained.scaler
    fields = [
        (what, vector(source, f"{name}_{what}", values, f"{told} on benign windows"))
        for what, values, told in (
            ("node_mean", scaler.node_mean, "mean of node features"),
            ("node_unit", scaler.node_scale, "deviation of node features"),
            ("edge_mean", scaler.edge_mean, "mean of edge features"),
            ("edge_unit", scaler.edge_scale, "deviation of edge features"),
        )
    ]
    if asked.ids:
        ids = np.asarray(trained.vocabulary.ids, np.uint32)
        fields.append(
            ("ids", source.array(f"{name}_ids", "uint32_t", ids, "known arbitration IDs"))
        )
        fields.append(("known_ids", str(len(ids))))
    return fields_of(fields)


def _model(name: str, fields: list[tuple[str, str]]) -> str:
    return f"const ct_{name}_model ct_{name} = {fields_of(fields)};\n"
