"""Windows per CPU-second in training, beside the same networks written with torch_geometric.

One thread. In each round each network trains some steps by either way, in turn. Both do what a
training step does: batch, forward, loss, backward, clipping, AdamW. The reference has `Data`,
`DataLoader` and `GATConv(edge_dim=...)`, as one would write it, in float32.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.nn.utils import clip_grad_norm_  # noqa: E402
from torch_geometric.data import Data  # noqa: E402
from torch_geometric.loader import DataLoader  # noqa: E402
from torch_geometric.nn import MLP, GATConv, global_max_pool, global_mean_pool  # noqa: E402
from torch_geometric.utils import add_self_loops  # noqa: E402

from benchmarks.data import training_dataset, training_windows  # noqa: E402
from benchmarks.rows import Row, measured  # noqa: E402
from can_train.config.schema import RunConfig, TrainingConfig  # noqa: E402
from can_train.config.spec import spec_of  # noqa: E402
from can_train.dataset.windows import DatasetWindows  # noqa: E402
from can_train.detectors.build import build_stage  # noqa: E402
from can_train.detectors.frame_scorer import SCORING_BATCH  # noqa: E402
from can_train.detectors.stage import GraphStage, StageModule  # noqa: E402
from can_train.detectors.vgae.errors import node_errors  # noqa: E402
from can_train.detectors.vgae.network import VGAE  # noqa: E402
from can_train.detectors.vgae.terms import VgaeLossWeights, kl_divergence  # noqa: E402
from can_train.graphs.batch import ScaledGraphs  # noqa: E402
from can_train.graphs.feed import GraphFeed  # noqa: E402
from can_train.training.precision import INSTRUCTIONS, products_in  # noqa: E402

BATCH: Final = 64
STEPS: Final = {"student": 40, "teacher": 6}
"""Steps of a round."""

NETWORKS: Final = tuple((model, size) for model in ("gat", "vgae") for size in STEPS)
BESIDE: Final = "torch_geometric, float32"
CLIP: Final = 1.0


class Reference(nn.Module):
    """Layers of `GATConv(edge_dim)`, as the networks of torch_geometric's examples have them."""

    def __init__(self, widths: list[int], heads: int, edge_channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            GATConv(a, b // heads, heads, edge_dim=edge_channels, add_self_loops=False)
            for a, b in zip(widths, widths[1:], strict=False)
        )


class ReferenceGat(Reference):
    """The GAT."""

    def __init__(self, sizes: Any, node_channels: int, edge_channels: int) -> None:
        width = sizes.heads * sizes.hidden_channels
        super().__init__([node_channels, *[width] * sizes.layers], sizes.heads, edge_channels)
        self.res = nn.Linear(node_channels, width, bias=False)
        self.classifier = MLP(
            [2 * sizes.layers * width, *sizes.fc_channels, 2],
            act="elu", norm=None, dropout=sizes.dropout,
        )  # fmt: skip

    def loss(self, data: Any) -> Tensor:
        """Cross-entropy of a batch."""
        hidden, pooled = data.x, []
        for number, layer in enumerate(self.layers):
            kept = hidden if number else self.res(hidden)
            hidden = functional.elu(layer(hidden, data.edge_index, data.edge_attr) + kept)
            pooled += [pool(hidden, data.batch) for pool in (global_mean_pool, global_max_pool)]
        return functional.cross_entropy(self.classifier(torch.cat(pooled, dim=1)), data.y)


class ReferenceVgae(VGAE):
    """The VGAE with an encoder of `GATConv`; its heads are ours, its loss is plain."""

    def __init__(self, sizes: dict[str, Any], weights: VgaeLossWeights) -> None:
        super().__init__(**sizes)
        widths = [sizes["node_channels"], *sizes["encoder_channels"]]
        layers = Reference(widths, sizes["heads"], sizes["edge_channels"] + 1).layers
        self.encoder, self._weights = layers, weights

    def encode(self, batch: ScaledGraphs) -> tuple[Tensor, Tensor]:
        """Latent means and log-variances."""
        hidden = batch.x
        marked = functional.pad(batch.edge_attr, (0, 1))
        loop = functional.one_hot(torch.tensor(marked.shape[1] - 1), marked.shape[1]).float()
        edges, features = add_self_loops(batch.edge_index, marked, loop, len(hidden))
        for layer in self.encoder:
            hidden = functional.elu(layer(hidden, edges, features))
        return self.mean(hidden), self.log_variance(hidden).clamp(-10.0, 10.0)

    def sample(
        self, batch: ScaledGraphs, generator: torch.Generator | None, noise: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same, and a draw of the latent."""
        mu, logvar = self.encode(batch)
        return mu, logvar, mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def loss(self, data: Any) -> Tensor:
        """The VGAE's loss of a batch."""
        batch = ScaledGraphs(
            x=data.x, id_index=data.known, edge_index=data.edge_index,
            edge_attr=data.edge_attr, batch=data.batch, num_graphs=data.num_graphs,
        )  # fmt: skip
        output, weights = self(batch), self._weights
        errors = node_errors(output, batch)
        return (
            errors.reconstruction.mean()
            + weights.id * errors.id.sum() / errors.id_known.sum().clamp(min=1)
            + weights.neighbour * errors.neighbour.sum() / errors.neighbour_known.sum().clamp(min=1)
            + weights.kl * kl_divergence(output.mu, output.logvar)
        )


def rows(rounds: int) -> Iterator[Row]:
    """A row per network, the teachers' also with products in bfloat16."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        inputs = training_windows(root, training_dataset(root))
        for model, size in NETWORKS:
            stage = network_stage(inputs, model, size)
            theirs = partial(rate, _reference(inputs, stage, model, size), STEPS[size])
            ours = partial(rate, steps_of(stage), STEPS[size])
            what = f"{model.upper()} {size}"
            yield measured("Training", what, "windows/s", ours, BESIDE, theirs, rounds)
            if size == "teacher" and any(map(torch.cpu.get_capabilities().get, INSTRUCTIONS)):
                name = f"{what}, bfloat16"
                yield measured(
                    "Training", name, "windows/s", partial(_rounded, ours), BESIDE, theirs, rounds
                )
            if size == "teacher":
                assert isinstance(stage, GraphStage)
                yield _validation(stage, f"{what}, validation of an epoch", rounds)


def _validation(stage: GraphStage, what: str, rounds: int) -> Row:
    """CPU-seconds of judging an epoch beside those of training it, from some windows of either."""
    chosen = len(stage.chosen)
    judged = stage._windows.validation
    some = judged[: 2 * SCORING_BATCH]

    def ours() -> float:
        stage.eval()
        begin = time.process_time()
        with torch.no_grad():
            for at in range(0, len(some), SCORING_BATCH):
                stage.validation_step(stage.batch_of(some[at : at + SCORING_BATCH]))
        return (time.process_time() - begin) * len(judged) / len(some)

    step = steps_of(stage)

    def reference() -> float:
        stage.train()
        return chosen / rate(step, STEPS["teacher"])

    return measured("Training", what, "CPU-s", ours, "training of the epoch", reference, rounds)


def _rounded(ours: Callable[[], float]) -> float:
    with products_in("bfloat16"):
        return ours()


def network_stage(
    inputs: DatasetWindows, model: str, size: str, batch: int = BATCH, threads: int = 1
) -> StageModule[Any]:
    """The stage that trains a network of that size."""
    spec = spec_of(model)
    presets = {str(known): architecture for known, architecture in spec.presets.items()}
    config = RunConfig(
        modality="automotive",
        dataset=inputs.manifest.dataset,
        model=model,
        model_size=size,  # type: ignore[arg-type]
        training_strategy=spec.strategies[0],
        data=inputs.data,
        architecture=presets[size],
        training=TrainingConfig(batch_size=batch, threads=threads),
    )
    return build_stage(config, inputs, {}).module


def steps_of(stage: StageModule[Any]) -> Callable[[], int]:
    """A step of training, again and again; gives its windows."""
    optimizer, steps = stage.optimizer(), cycle(range(stage.steps - 1))
    stage.begin_epoch(0)
    stage.train()

    def step() -> int:
        number = next(steps)
        stage.seed_step(number)
        optimizer.zero_grad()
        batch = stage.training_batch(number)
        stage.learn(batch)
        optimizer.clip(CLIP)
        optimizer.step()
        return int(batch.num_graphs)

    return step


def _reference(
    inputs: DatasetWindows, stage: StageModule[Any], model: str, size: str
) -> Callable[[], int]:
    feed = GraphFeed(inputs.store, scaler=inputs.scaler, vocabulary=inputs.vocabulary)
    windows = inputs.windows("train", benign=model == "vgae")
    graphs = [_data(feed.batch(windows[at : at + 1])) for at in range(len(windows))]
    one = graphs[0]
    presets = {str(known): sizes for known, sizes in spec_of(model).presets.items()}
    sizes: Any = presets[size]
    network: Any
    if model == "gat":
        network = ReferenceGat(sizes, one.x.shape[1], one.edge_attr.shape[1])
    else:
        network = _reference_vgae(sizes, one, len(inputs.vocabulary))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    batches = cycle(DataLoader(graphs, BATCH, shuffle=True, drop_last=True))

    def step() -> int:
        (data,) = islice(batches, 1)
        optimizer.zero_grad()
        network.loss(data).backward()
        clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        return int(data.num_graphs)

    return step


def _reference_vgae(sizes: Any, one: Data, known: int) -> ReferenceVgae:
    names = ("encoder_channels", "decoder_channels", "latent_channels", "heads", "id_embedding")
    return ReferenceVgae(
        {
            "node_channels": one.x.shape[1],
            "edge_channels": one.edge_attr.shape[1],
            "num_ids": 0,
            "told_ids": known if sizes.id_weight or sizes.neighbour_weight else 0,
            **{name: getattr(sizes, name) for name in names},
        },
        VgaeLossWeights(id=sizes.id_weight, neighbour=sizes.neighbour_weight, kl=sizes.kl_weight),
    )


def _data(batch: Any) -> Data:
    return Data(
        x=batch.x, known=batch.id_index, edge_index=batch.edge_index,
        edge_attr=batch.edge_attr, y=batch.y,
    )  # fmt: skip


def rate(step: Callable[[], int], steps: int) -> float:
    """Windows per CPU-second of some steps."""
    begin = time.process_time()
    windows = sum(step() for _ in range(steps))
    return windows / (time.process_time() - begin)
