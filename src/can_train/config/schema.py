"""Layer 3: what a run is made of. Definitions only, stdlib only.

Every parameter is declared once here, with type, bounds, default, unit and help. Requests,
presets (hydra-zen), command-line options and the frozen JSON derive from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from can_train.vocab import (
    AGENT_POLICY,
    LEARNING_TYPE_OF_STRATEGY,
    NO_KD,
    WITH_KD,
    Distillation,
    FeatureSet,
    FusionPolicy,
    LearningType,
    Modality,
    ModelSize,
    Precision,
    TrainingStrategy,
)

SCHEMA_VERSION: Final = "1.4"

RESULTS_VERSION: Final = 12
"""Raised whenever the same configuration gives other results, so that runs made before keep their
ids. 2: scores are unbounded margins. 3: no single recording decides a threshold, and
attention is compiled: sums are added up in another order. 4: as are those of pooling, of the VGAE's
loss, of the fusion's agent and of the scaler; windows of short attacks come twice; synthetic
recordings ask for a lower threshold, and cars that were trained on for one of their own. 5: calm
recordings have their own level, and fusions take excesses. 6: a bus is as fast as its IDs, and
thresholds rest on other recordings. 7: it counts how early two frames of a regular ID
come. 8: in the maximum the anomaly detector has to be surer, and a recording is calm below the
usual median. 9: four fifths of the recordings stay below the threshold, not two thirds.
10: the VGAE learns synthetic benign windows, too, and no IDs, and in the maximum it supports
the classifier. 11: it scores by its reconstruction alone, and supports more. 12: it ranks what
doesn't alarm, too."""

UNIVERSE_VERSION: Final = 4
"""Raised whenever the same dataset and split give other synthetic recordings."""

TEACHER: Final = "teacher"
"""Name of a teacher among what a run consumes; experts go by the detector's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """Constraints and help of one parameter, carried in its `Annotated` type.

    Every field that has one can be set under its own name, unless it follows from a switch of the
    command line or from the version of this program (`settable`). One that was added to schema
    version 1 later (`added`) is written only where it isn't what held before: `before`, or else
    the default. So the hashes of before stay what they were. `words` are what may be typed for
    certain numbers, `usual` says how the value is decided where none is given and the field's
    default doesn't count. `log`: a search tries equal factors, not equal differences.
    """

    help: str
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    unit: str | None = None
    settable: bool = True
    added: bool = False
    before: int | None = None
    words: tuple[tuple[str, int], ...] = ()
    usual: str = ""
    log: bool = False


AUTOMATIC_BATCH: Final = 0
"""`--batch-size auto`: what fits into the device's memory, times a safety factor."""

MOST_WINDOWS: Final = 1_000_000_000
"""More than any dataset has."""

SYNTHETIC_RECORDINGS: Final = 36
"""What `--augment on` trains on beside the real recordings."""

AUGMENTED_EPOCH: Final = 2.5
"""Most windows of an epoch with synthetic recordings, in units of the real training windows, where
`windows_per_epoch` isn't given: what they cost is bounded, however short the real ones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """An artifact that a run consumes: a file that exists, or the run that will make it.

    Exactly one of (`path` and `sha256`) or `run_id` is set.
    """

    path: str | None = None
    sha256: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """Which windows of which recordings, as which graphs."""

    dataset_digest: str
    split_digest: str
    features: Annotated[FeatureSet, Param(help="feature set of the graphs")] = "relational"
    window: Annotated[
        int, Param(help="frames per window (one graph)", ge=2, le=4096, unit="frames")
    ] = 100
    stride: Annotated[
        int, Param(help="step between window starts", ge=1, le=4096, unit="frames")
    ] = 100
    split: Annotated[
        str,
        Param(help="named split: time, leave-vehicle-out:NAME or leave-attack-out:KIND"),
    ] = "time"
    augment: Annotated[
        int,
        Param(
            help="synthetic recordings to train on beside the real ones",
            ge=0,
            le=1000,
            added=True,
            words=(("off", 0), ("on", SYNTHETIC_RECORDINGS)),
            usual="on from a minute of training traffic on, else off",
        ),
    ] = 0
    universe: Annotated[
        int, Param(help="version of the synthetic recordings; 0: none", added=True, settable=False)
    ] = 0
    windows_per_side: Annotated[
        int | None,
        Param(
            help="most windows per side of the split, evenly spread; absent: all",
            ge=50,
            le=MOST_WINDOWS,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Sizes of a detector's network; each detector declares its own fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Optimisation of one stage."""

    epochs: Annotated[int, Param(help="most epochs", ge=1, le=10_000)] = 40
    patience: Annotated[
        int, Param(help="epochs without improvement before training stops", ge=1, le=10_000)
    ] = 8
    batch_size: Annotated[
        int | None,
        Param(
            help="most windows per step; auto: what the device's memory holds; "
            "absent: 64, fewer where an epoch would have under 50 steps",
            ge=0,
            le=1_000_000,
            words=(("auto", AUTOMATIC_BATCH),),
            log=True,
        ),
    ] = None
    batch_nodes: Annotated[
        int | None,
        Param(
            help="most nodes per step; absent: any number",
            ge=1,
            le=1_000_000_000,
            added=True,
        ),
    ] = None
    batch_edges: Annotated[
        int | None,
        Param(
            help="most edges per step; absent: any number",
            ge=1,
            le=1_000_000_000,
            added=True,
        ),
    ] = None
    scale_lr: Annotated[
        bool,
        Param(
            help="whether the learning rate grows with the square root of the batch",
            added=True,
        ),
    ] = False
    learning_rate: Annotated[float, Param(help="peak learning rate", gt=0, le=10, log=True)] = 0.001
    weight_decay: Annotated[float, Param(help="decoupled weight decay", ge=0, le=100, log=True)] = (
        0.0001
    )
    gradient_clip: Annotated[
        float, Param(help="largest gradient norm", gt=0, le=1_000_000, log=True)
    ] = 1.0
    windows_per_epoch: Annotated[
        int | None,
        Param(
            help="most training windows per epoch, drawn anew each epoch; absent: all",
            ge=50,
            le=MOST_WINDOWS,
        ),
    ] = None
    threads: Annotated[
        int, Param(help="CPU threads; part of the run's identity", ge=1, le=1024)
    ] = 2
    precision: Annotated[
        Precision,
        Param(help="of matrix products in training; bfloat16: on CPUs that have it", added=True),
    ] = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurriculumConfig:
    """Release of benign windows by their anomaly margin (docs/models/gat.md)."""

    start_ratio: Annotated[
        float, Param(help="benign per attack window, first epoch", gt=0, le=1_000_000)
    ] = 1.0
    end_ratio: Annotated[
        float, Param(help="benign per attack window at full release", gt=0, le=1_000_000)
    ] = 10.0
    release_epochs: Annotated[int, Param(help="epochs until full release", ge=1, le=10_000)] = 10
    percentile: Annotated[
        float, Param(help="benign windows above this score percentile come first", ge=0, lt=100)
    ] = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionConfig:
    """How a fusion makes one score of its experts' (docs/models/dqn.md)."""

    fusion_policy: Annotated[
        FusionPolicy, Param(help="how a fusion weighs its experts; only dqn learns over epochs")
    ] = "maximum"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationConfig:
    """Training with a teacher's signal (docs/models/distillation.md)."""

    teacher: Parent
    temperature: Annotated[
        float, Param(help="temperature T of the soft targets", ge=0.01, le=1000, log=True)
    ] = 4.0
    alpha: Annotated[float, Param(help="weight of the teacher's signal", ge=0, le=1)] = 0.7
    latent_weight: Annotated[
        float, Param(help="weight of the latent signal (VGAE)", ge=0, le=1_000_000)
    ] = 0.5
    reconstruction_weight: Annotated[
        float, Param(help="weight of the reconstruction signal (VGAE)", ge=0, le=1_000_000)
    ] = 0.5
    feature_weight: Annotated[
        float, Param(help="weight of the pooled-embedding signal (GAT)", ge=0, le=1_000_000)
    ] = 0.0
    kd_warmup_epochs: Annotated[
        int, Param(help="epochs in which alpha rises to its value", ge=0, le=10_000)
    ] = 0
    foreign_teacher: Annotated[
        bool,
        Param(help="whether the teacher may come from another dataset", settable=False),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a cluster gives to one stage; decides nothing about its result, so it isn't hashed.

    None: the site profile says, else Slurm's own default.
    """

    account: Annotated[str | None, Param(help="Slurm account")] = None
    partition: Annotated[str | None, Param(help="Slurm partition")] = None
    walltime: Annotated[str | None, Param(help="time limit: MINUTES, HH:MM:SS or D-HH:MM:SS")] = (
        None
    )
    memory: Annotated[str | None, Param(help="memory per node, such as 16G or 800M")] = None
    cpus: Annotated[
        int | None, Param(help="CPUs per process (default: --threads)", ge=1, le=65_536)
    ] = None
    gpus: Annotated[
        int | None, Param(help="GPUs per node; a stage trains on all of them", ge=0, le=1024)
    ] = None
    gpu_type: Annotated[str | None, Param(help="type of those GPUs")] = None
    qos: Annotated[str | None, Param(help="quality of service")] = None
    nodes: Annotated[
        int | None, Param(help="number of nodes; a stage trains on all of them", ge=1, le=100_000)
    ] = None
    mail_user: Annotated[str | None, Param(help="address for mail about the job")] = None
    constraint: Annotated[str | None, Param(help="node features that the job needs")] = None
    exclude: Annotated[str | None, Param(help="nodes that the job must not use")] = None
    slurm_extra: Annotated[str | None, Param(help="further options of sbatch")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides the result of one run.

    `experts` holds the artifacts that it builds on, by the detector's name; in JSON each has a key
    of its own (see `config.codec`).
    """

    modality: Modality
    dataset: str
    model: str
    model_size: ModelSize
    training_strategy: TrainingStrategy
    data: DataConfig
    architecture: Architecture
    training: TrainingConfig = field(default_factory=TrainingConfig)
    distillation: DistillationConfig | None = None
    curriculum: CurriculumConfig | None = None
    fusion: Annotated[
        FusionConfig | None,
        Param(help="how a fusion weighs its experts", added=True, settable=False),
    ] = None
    experts: Mapping[str, Parent] = field(default_factory=dict)
    seed: Annotated[int, Param(help="seed of everything random", ge=0, le=2**31 - 1)] = 0
    target_fpr: Annotated[
        float, Param(help="false-alarm rate for which the threshold is set", ge=1e-9, lt=1)
    ] = 0.001
    results: Annotated[
        int,
        Param(help="version of how results come about", added=True, before=1, settable=False),
    ] = RESULTS_VERSION

    @property
    def learning_type(self) -> LearningType:
        """Follows from the training strategy."""
        return LEARNING_TYPE_OF_STRATEGY[self.training_strategy]

    @property
    def parents(self) -> dict[str, Parent]:
        """Artifacts that it consumes: `teacher`, and experts by the detector's name."""
        teacher = {} if self.distillation is None else {TEACHER: self.distillation.teacher}
        return {**teacher, **self.experts}

    @property
    def epochs(self) -> int:
        """Most epochs that it trains; one where a fusion is solved at once."""
        solved = self.fusion is not None and self.fusion.fusion_policy != AGENT_POLICY
        return 1 if solved else self.training.epochs

    @property
    def distillation_word(self) -> Distillation:
        """`with-kd` or `no-kd`."""
        return NO_KD if self.distillation is None else WITH_KD
