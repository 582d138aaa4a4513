"""The generated half of a C detector: its sizes as a header, its tables as a source file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from can_train.alarms.rule import windows_apart
from can_train.deploy.c99.layers import MemorySizes
from can_train.deploy.c99.margins import Needed
from can_train.deploy.c99.model import add_fusion, add_gat, add_vgae, policy_of
from can_train.deploy.c99.source import CSource, literal
from can_train.deploy.c99.vehicles import VehicleSizes, add_vehicles
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.fusion.spec import DqnConfig
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.kernels.level import MEMORY_WINDOWS, STEPS, WARM_UP_WINDOWS
from can_train.detectors.kernels.window import STRANGER
from can_train.detectors.kernels.window_fusion import (
    ACTIONS,
    STATE_LIMIT,
    SUPPORT,
    SUPPORT_RISE,
)
from can_train.detectors.level import MOST_DOUBT
from can_train.detectors.vgae.spec import VgaeConfig
from can_train.errors import ArtifactError
from can_train.graphs.features import RelationalEdge, RelationalNode
from can_train.graphs.kernels.earliness import EARLY
from can_train.graphs.scaling import SCALED_LIMIT

HEADER: Final = "can_train_tables.h"
_MOST_RANKS_OF_16_BITS: Final = 65_535
_MOST_LOOKED_BACK: Final = 16
_STATE_POLICIES: Final = ("dqn", "logistic")
"""Policies that know more of an expert than how far it is above its threshold."""

MOST_IDS: Final = 64
SMALL_NODES: Final = 40
"""What there is room for, unless a compiler is told otherwise."""

_MARGINS: Final = 65_535
_SMALL_MARGINS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The generated text: constants for the header, and the source file."""

    sizes: str
    source: str


def tables_of(detector: FrameScorer, *, whole: bool = False, small: bool = False) -> Tables:
    """Tables of a detector with those that it fuses.

    Args:
        detector: The detector.
        whole: Whether matrices are stored as whole numbers of eight bits (`quantized`).
        small: Whether little memory is there.

    Raises:
        ArtifactError: There is no C for it.
    """
    _require_known(detector)
    source = CSource(whole=whole)
    asked = _asked(detector, small)
    vehicles = add_vehicles(source, detector.own.vehicles, asked)
    sizes = _added(source, detector, asked)
    names = list(detector.thresholds)
    values = ", ".join(repr(float(each.value)) for each in detector.thresholds.values())
    source.add(f"const double ct_thresholds[CT_SCORERS] = {{{values}}};\n")
    levels = ", ".join(
        f"{{{float(each.level or 0.0)!r}, {each.level_step!r}}}"
        for each in detector.thresholds.values()
    )
    source.add(f"const ct_level_of_scorer ct_levels[CT_SCORERS] = {{{levels}}};\n")
    titles = ", ".join(f'"{name}"' for name in names)
    source.add(f"const char *const ct_scorer_names[CT_SCORERS] = {{{titles}}};\n")
    constants = _constants(detector, sizes, vehicles, whole) | _about(asked) | _rooms(small)
    lines = [f"#define {name} {value} /* {told} */" for name, (value, told) in constants.items()]
    wide = _most_windows(detector) > _MOST_RANKS_OF_16_BITS
    lines.append(f"\ntypedef uint{32 if wide else 16}_t ct_rank; /* a number of windows */")
    return Tables(sizes="\n".join(lines), source=source.text)


def _added(source: CSource, detector: FrameScorer, asked: Needed) -> list[MemorySizes]:
    """Writes the networks."""
    found: list[MemorySizes] = []
    for trained in detector.trained.values():
        sizes = trained.config.architecture
        if isinstance(sizes, VgaeConfig):
            found.append(add_vgae(source, trained, asked))
        elif isinstance(sizes, GatConfig):
            edge_at = sum(each.edge_scores for each in found)
            found.append(add_gat(source, trained, sizes, asked, edge_at))
        else:
            found.append(add_fusion(source, trained, asked))
    return found


def _asked(detector: FrameScorer, small: bool) -> Needed:
    """What the fusion asks, if there is one, and what is left without."""
    all_of_them = detector.trained.values()
    fusions = [each for each in all_of_them if each.experts]
    anomaly = any(isinstance(each.config.architecture, VgaeConfig) for each in all_of_them)
    relief = any(each.threshold.relief for each in all_of_them)
    return Needed(
        state=any(policy_of(each) in _STATE_POLICIES for each in fusions),
        excess=bool(fusions),
        ids=bool(fusions) or anomaly or relief,
        most_margins=_SMALL_MARGINS if small else _MARGINS,
    )


def _about(asked: Needed) -> dict[str, tuple[str | int, str]]:
    return {
        "CT_SHOWS_STATE": (int(asked.state), "a fusion asks for states"),
        "CT_KNOWS_IDS": (int(asked.ids), "IDs are looked up in the vocabulary"),
    }


def _rooms(small: bool) -> dict[str, tuple[str | int, str]]:
    """How much of a bus fits into the memory, unless the compiler is told otherwise."""
    return {
        "CT_USUAL_IDS": (MOST_IDS, "arbitration IDs that are followed at a time"),
        "CT_USUAL_NODES": (SMALL_NODES if small else 0, "nodes of a graph; 0: all that fit"),
        "CT_SHORT_ROWS": (int(small), "nodes lie in 16 bits between layers"),
    }


def _require_known(detector: FrameScorer) -> None:
    spec = detector.spec
    if spec.features != "relational":
        raise ArtifactError(
            f"no C for {spec.features} features. Train with --features relational, or export "
            f"another format"
        )
    if detector.rule.n > _MOST_LOOKED_BACK:
        raise ArtifactError(
            f"no C for an alarm rule of {detector.rule}: at most {_MOST_LOOKED_BACK} are looked at"
        )
    for each in detector.trained.values():
        if not isinstance(each.config.architecture, VgaeConfig | GatConfig | DqnConfig):
            raise ArtifactError(f"no C for a {each.config.model}. Export another format")


def _most_windows(detector: FrameScorer) -> int:
    evidence = detector.evidence.values()
    return max(max(each.benign.windows, each.synthetic.windows) for each in evidence)


def _constants(
    detector: FrameScorer,
    sizes: list[MemorySizes],
    vehicles: VehicleSizes,
    whole: bool,
) -> dict[str, tuple[str | int, str]]:
    """Value and meaning of each constant."""
    spec, by_kind = (
        detector.spec,
        {type(t.config.architecture): t for t in detector.trained.values()},
    )
    gat, fusion = by_kind.get(GatConfig), by_kind.get(DqnConfig)
    sizes_of_gat = None if gat is None else gat.config.architecture
    pooling = sizes_of_gat.pooling if isinstance(sizes_of_gat, GatConfig) else ""
    experts = [t.spec.state_channels for t in detector.trained.values() if t is not fusion]
    policy = policy_of(fusion) if fusion is not None else "mean"
    return {
        "CT_WINDOW": (spec.window, "frames per window"),
        "CT_STRIDE": (spec.stride, "frames between window starts"),
        "CT_INT8": (int(whole), "weights are int8"),
        "CT_SCORERS": (len(detector.thresholds), "scorers, the detector last"),
        "CT_RULE_K": (f"{detector.rule.k}u", "windows above the threshold that make an alarm"),
        "CT_RULE_N": (f"{detector.rule.n}u", "windows that are looked back on"),
        "CT_LANES": (windows_apart(spec.window, spec.stride), "windows that share a frame"),
        "CT_NODE_FEATURES": (len(RelationalNode), "features of a node"),
        "CT_EDGE_FEATURES": (len(RelationalEdge), "features of an edge"),
        "CT_SCALED_LIMIT": (literal(SCALED_LIMIT), "scaled features are clipped there"),
        "CT_STRANGER": (literal(STRANGER), "share of known IDs on another car"),
        "CT_EVEN_WIDTH": (max(each.even for each in sizes), "numbers that even layers read"),
        "CT_ODD_WIDTH": (max(each.odd for each in sizes), "numbers that odd layers read"),
        "CT_MOST_ROW": (max(each.row for each in sizes), "numbers of a row on its way"),
        "CT_MOST_HEADS": (max(each.heads for each in sizes), "heads of attention"),
        "CT_EDGE_SCORES": (sum(each.edge_scores for each in sizes), "heads of all layers"),
        "CT_MOST_POOLED": (max(each.pooled for each in sizes), "numbers of all nodes together"),
        "CT_MOST_STATE": (max([*experts, 6]), "numbers that a detector shows a fusion"),
        "CT_HAS_VGAE": (int(VgaeConfig in by_kind), "there is an anomaly detector"),
        "CT_HAS_GAT": (int(gat is not None), "there is a classifier"),
        "CT_POOLS_MEAN": (int("mean" in pooling), "it pools the mean of nodes"),
        "CT_POOLS_MAXIMUM": (int("max" in pooling), "it pools the largest of nodes"),
        "CT_HAS_FUSION": (int(fusion is not None), "there is a fusion"),
        "CT_FUSION_POLICY": (f"CT_POLICY_{policy.upper()}", "how it decides"),
        "CT_ANOMALY_STATE": (experts[0] if experts else 0, "state numbers of the first expert"),
        "CT_STATE": (sum(experts), "state numbers of all experts"),
        "CT_STATE_LIMIT": (literal(STATE_LIMIT), "the agent's state is clipped there"),
        "CT_SUPPORT": (literal(SUPPORT), "most that an alarm of it adds"),
        "CT_SUPPORT_RISE": (literal(SUPPORT_RISE), "how fast that comes"),
        "CT_EARLY_FROM": (literal(EARLY), "earliness of an extra frame"),
        "CT_MOST_DOUBT": (repr(MOST_DOUBT), "most that doubt takes off, by what is missing"),
        "CT_LEVEL_STEPS": (STEPS, "counted depths below the level of a calm recording"),
        "CT_LEVEL_WARM_UP": (WARM_UP_WINDOWS, "windows before a median says something"),
        "CT_LEVEL_MEMORY": (MEMORY_WINDOWS, "windows after which counts are halved"),
        "CT_ACTIONS": (ACTIONS, "weights that the agent chooses from"),
        "CT_VEHICLES": (vehicles.vehicles, "vehicles with a profile"),
        "CT_PROFILE_ROWS": (vehicles.rows, "IDs of all profiles"),
        "CT_MOST_ROWS": (vehicles.most_rows, "IDs of a profile"),
    }
