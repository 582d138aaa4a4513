"""Tables of one network each, from the arrays of a trained detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import FusionConfig
from can_train.deploy.c99.source import CSource, floats, literal
from can_train.detectors.evidence import Margins, yardstick_of
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.gat.window import effective_weights
from can_train.detectors.kernels.stacks import AttentionStack, DenseStack, LayerColumn, Residual
from can_train.detectors.window_scorer import (
    TrainedDetector,
    attention_stack,
    dense_stack,
    layers_of,
)
from can_train.graphs.features import RelationalEdge, RelationalNode

_RESIDUALS: Final = {
    Residual.NONE: "CT_NOTHING", Residual.LEARNED: "CT_LEARNED", Residual.INPUT: "CT_INPUT",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySizes:
    """What a network asks of the memory that layers share.

    Attributes:
        width: Numbers of a node.
        row: Numbers of a row on its way.
        heads: Heads of attention.
        edge_scores: Heads of all layers together.
        pooled: Numbers that stand for all nodes together.
    """

    width: int = 1
    row: int = 1
    heads: int = 1
    edge_scores: int = 1
    pooled: int = 1


def add_vgae(source: CSource, trained: TrainedDetector) -> MemorySizes:
    """Writes the anomaly detector `ct_vgae`."""
    weights = trained.weights
    encoder = attention_stack(
        weights, "encoder", Residual.NONE, (len(RelationalNode), len(RelationalEdge) + 1)
    )
    latent = dense_stack(weights, ["mean"])
    decoder = dense_stack(weights, layers_of(weights, "decoder"))
    _add_attention(source, "vgae_encoder", encoder, loops=True)
    _add_dense(source, "vgae_decoder", decoder)
    source.add(_model("vgae", [
        ("inputs", _inputs(source, "vgae", trained)),
        ("encoder", "vgae_encoder"),
        ("decoder", "vgae_decoder"),
        ("latent", _dense(source, "vgae_latent", latent)[0]),
        ("classes", source.matrix("vgae_classes", weights["id_heads.id_head.weight"].T,
                                  "what latents tell of each known ID")),
        ("turn", source.matrix("vgae_turn", weights["id_heads.turn.weight"].T,
                               "turns latents towards neighbours")),
        ("id_bias", _vector(source, "vgae_id_bias", weights["id_heads.id_head.bias"],
                            "bias of each known ID")),
        ("neighbour_bias", _vector(source, "vgae_neighbour_bias",
                                   weights["id_heads.neighbour_bias"],
                                   "bias of each known ID as a neighbour")),
        ("error_unit", "{" + ", ".join(map(literal, trained.extras["error_scale"].tolist())) + "}"),
        ("experience", _experience(source, "vgae", trained)),
        ("encoder_layers", str(len(encoder.sizes))),
        ("decoder_layers", str(len(decoder.widths) - 1)),
    ]))  # fmt: skip
    rows = max(*latent.widths, *decoder.widths, len(trained.vocabulary) - 1)
    return _sizes(encoder, rows=int(rows), pooled=1)


def add_gat(source: CSource, trained: TrainedDetector, sizes: GatConfig) -> MemorySizes:
    """Writes the classifier `ct_gat`."""
    weights = effective_weights(trained.weights, sizes)
    layers = attention_stack(
        weights, "convolutions", Residual.INPUT, (len(RelationalNode), len(RelationalEdge))
    )
    classifier = dense_stack(weights, layers_of(weights, "classifier"))
    _add_attention(source, "gat_layers", layers, loops=False)
    _add_dense(source, "gat_classifier", classifier)
    source.add(_model("gat", [
        ("inputs", _inputs(source, "gat", trained)),
        ("layers", "gat_layers"),
        ("classifier", "gat_classifier"),
        ("experience", _experience(source, "gat", trained)),
        ("layer_count", str(len(layers.sizes))),
        ("classifier_layers", str(len(classifier.widths) - 1)),
    ]))  # fmt: skip
    return _sizes(layers, rows=1, pooled=int(classifier.widths.max()))


def add_fusion(source: CSource, trained: TrainedDetector) -> MemorySizes:
    """Writes the fusion `ct_fusion`."""
    agent = dense_stack(trained.weights, layers_of(trained.weights, "agent.layers"))
    linear = policy_of(trained) != "dqn"
    if not linear:
        _add_dense(source, "fusion_agent", agent)
    weight = trained.weights["weight"] if linear else np.zeros(0)
    bias = float(trained.weights["bias"][0]) if linear else 0.0
    mean, unit = trained.extras["state_mean"], trained.extras["state_scale"]
    source.add(_model("fusion", [
        ("state_mean", _vector(source, "fusion_state_mean", mean, "mean of what experts say")),
        ("state_unit", _vector(source, "fusion_state_unit", unit, "unit of what experts say")),
        ("weight", _vector(source, "fusion_weight", weight, "weight of what experts say")),
        ("agent", "NULL" if linear else "fusion_agent"),
        ("known_car", margins_of(source, "fusion_known", trained.evidence.benign)),
        ("bias", literal(bias)),
        ("relief", literal(float(trained.threshold.relief))),
        ("agent_layers", "0" if linear else str(len(agent.widths) - 1)),
    ]))  # fmt: skip
    return MemorySizes(pooled=max(int(agent.widths.max()), len(mean)))


def policy_of(trained: TrainedDetector) -> str:
    """The policy of a fusion."""
    return (trained.config.fusion or FusionConfig()).fusion_policy


def margins_of(source: CSource, name: str, margins: Margins) -> str:
    """Writes the margins of benign windows; gives their `ct_margins`."""
    if not margins.windows:
        return "{NULL, NULL, 0, 1.0f, 0}"
    known = np.unique(floats(margins.values))
    # Of each one as it is stored: margins that are equal in float32 count as equal.
    first = np.searchsorted(floats(margins.values), known)
    p = margins.p_value(margins.values[first])
    smaller = np.round(1 + margins.windows - p * (margins.windows + 1)).astype(np.int64)
    values = source.array(f"{name}_margins", "float", known, f"benign margins, {name}")
    ranks = source.array(f"{name}_ranks", "ct_rank", smaller, f"windows with less, {name}")
    return f"{{{values}, {ranks}, {margins.windows}, {literal(float(margins.tail))}, {len(known)}}}"


def _experience(source: CSource, name: str, trained: TrainedDetector) -> str:
    evidence, threshold = trained.evidence, trained.threshold
    known = margins_of(source, f"{name}_known", evidence.benign)
    others = margins_of(source, f"{name}_other", evidence.other_cars)
    measured = yardstick_of(threshold, evidence, trained.spec.holds_on_other_cars)
    yardstick = ", ".join(literal(float(each)) for each in measured)
    return f"{{{known}, {others}, {literal(float(threshold.relief))}, {{{yardstick}}}}}"


def _inputs(source: CSource, name: str, trained: TrainedDetector) -> str:
    scaler = trained.scaler
    parts = [
        _vector(source, f"{name}_{what}", values, f"{told} on benign windows")
        for what, values, told in (
            ("node_mean", scaler.node_mean, "mean of node features"),
            ("node_unit", scaler.node_scale, "deviation of node features"),
            ("edge_mean", scaler.edge_mean, "mean of edge features"),
            ("edge_unit", scaler.edge_scale, "deviation of edge features"),
        )
    ]
    ids = np.asarray(trained.vocabulary.ids, np.uint32)
    parts.append(source.array(f"{name}_ids", "uint32_t", ids, "known arbitration IDs"))
    return f"{{{', '.join(parts)}, {len(ids)}}}"


def _add_attention(source: CSource, name: str, stack: AttentionStack, *, loops: bool) -> None:
    """Writes the layers of a stack as an array of `ct_attention`."""
    at, edge_at, rows = 0, 0, []
    for number, size in enumerate(stack.sizes):
        inputs, heads, channels, residual = (int(column) for column in size)
        cut = _Cut(stack.weights, at)
        own, width = f"{name}_{number}", heads * channels
        projection = source.matrix(f"{own}_projection", cut(inputs, width), "projection of nodes")
        learned = residual == Residual.LEARNED
        added = cut(inputs, width) if learned else np.zeros((0, 0), np.float32)
        matrix = source.matrix(f"{own}_residual", added, "learned residual") if learned else None
        ends = cut(2, width)
        of_edge = cut(len(RelationalEdge) + loops, heads)
        features = of_edge[:-1] if loops else of_edge
        fields = [
            ("projection", projection),
            ("own", matrix or "{NULL, NULL, 0, 0}"),
            ("bias", _vector(source, f"{own}_bias", cut(1, width), "bias")),
            ("of_source", _vector(source, f"{own}_source", ends[0], "attention of sources")),
            ("of_target", _vector(source, f"{own}_target", ends[1], "attention of targets")),
            ("of_edge", _vector(source, f"{own}_edge", features.T, "attention of edge features")),
            ("of_loop", _vector(source, f"{own}_loop", of_edge[-1], "attention of loops")
             if loops else "NULL"),
            ("residual", _RESIDUALS[Residual(residual)]),
            ("heads", str(heads)),
            ("channels", str(channels)),
            ("edge_at", str(edge_at)),
            ("loops", "true" if loops else "false"),
        ]  # fmt: skip
        rows.append(_fields(fields))
        at, edge_at = cut.at, edge_at + heads
    source.add(f"static const ct_attention {name}[] = {{\n{_joined(rows)}\n}};\n")


class _Cut:
    """Takes matrices from a table, one behind the other."""

    def __init__(self, weights: NDArray[np.float32], at: int) -> None:
        self._weights, self.at = weights, at

    def __call__(self, rows: int, columns: int) -> NDArray[np.float32]:
        begin, self.at = self.at, self.at + rows * columns
        return self._weights[begin : self.at].reshape(rows, columns)


def _add_dense(source: CSource, name: str, stack: DenseStack) -> None:
    """Writes fully connected layers as an array of `ct_dense_layer`."""
    layers = _dense(source, name, stack)
    source.add(f"static const ct_dense_layer {name}[] = {{\n{_joined(layers)}\n}};\n")


def _dense(source: CSource, name: str, stack: DenseStack) -> list[str]:
    cut, rows = _Cut(stack.weights, 0), []
    for number in range(len(stack.widths) - 1):
        inputs, outputs = int(stack.widths[number]), int(stack.widths[number + 1])
        own = f"{name}_{number}"
        matrix = source.matrix(own, cut(inputs, outputs), "fully connected layer")
        rows.append(f"{{{matrix}, {_vector(source, f'{own}_bias', cut(1, outputs), 'bias')}}}")
    return rows


def _vector(source: CSource, name: str, values: NDArray[np.floating], told: str) -> str:
    return source.array(name, "float", floats(values), f"{told} [{values.size}]")


def _sizes(stack: AttentionStack, *, rows: int, pooled: int) -> MemorySizes:
    widths = stack.sizes[:, LayerColumn.HEADS] * stack.sizes[:, LayerColumn.CHANNELS]
    width = int(max(widths.max(), stack.sizes[0, LayerColumn.INPUTS]))
    heads = stack.sizes[:, LayerColumn.HEADS]
    return MemorySizes(
        width=width,
        row=max(width, rows),
        heads=int(heads.max()),
        edge_scores=int(heads.sum()),
        pooled=pooled,
    )


def _model(name: str, fields: list[tuple[str, str]]) -> str:
    return f"const ct_{name}_model ct_{name} = {_fields(fields)};\n"


def _fields(fields: list[tuple[str, str]]) -> str:
    inner = ",\n".join(f"    .{name} = {value}" for name, value in fields)
    return f"{{\n{inner},\n}}"


def _joined(rows: list[str]) -> str:
    return ",\n".join(rows)
