"""Whether the compiled step changes what is learned: a student chain by it and by plain torch.

    python -m benchmarks.plain_step --data-root data --experiment-root runs --dataset hcrl_sa

Either way trains vgae (autoencoder), gat (curriculum) and dqn (fusion) with the same seeds, data,
batches and random numbers. Plain are attention, pooling, the latent's draw and the VGAE's loss, as
on a GPU by torch's own operations with gradients by autograd, clipping and AdamW
(`torch.optim.AdamW`), in training, calibration and evaluation. Printed are, in Markdown, each
stage's validation figure and the tests' ROC-AUC and F1 at the stored threshold: means over seeds,
plain minus compiled paired by seed with a 95 % interval, and the standard deviation over the seeds
of either. Finished runs are used again, so that seeds may be trained one at a time.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from can_train.cli.main import build_parser
from can_train.cli.main import main as can_train
from can_train.cli.planning import plans_of
from can_train.comparison.intervals import over_seeds
from can_train.detectors import stage as stages
from can_train.detectors.adamw import BETAS, EPSILON
from can_train.detectors.attention import GraphAttention, attend_plainly
from can_train.detectors.edges import Edges
from can_train.detectors.pooling import Pooling, pool_plainly
from can_train.detectors.vgae import losses
from can_train.detectors.vgae.network import VGAE, VgaeOutput
from can_train.detectors.vgae.terms import VgaeLossWeights, plain_terms
from can_train.evaluation.scenarios import evaluate_run
from can_train.graphs.batch import ScaledGraphs
from can_train.pipeline.plan import jobs_of
from can_train.pipeline.record import write_plan
from can_train.runs.layout import evaluation_path

WAYS: Final = ("compiled", "plain")
SCORERS: Final = {"vgae": "vgae", "gat": "gat", "dqn": "fusion"}
"""By stage, in their order."""

CHAIN: Final = (
    "pipeline", "--modality", "automotive", "--model", ",".join(SCORERS), "--model-size", "student",
    "--training-strategy", "autoencoder,curriculum,fusion", "--threads", "1", "--no-mlflow",
)  # fmt: skip
TESTS: Final = ("test_01", "test_02", "test_03", "test_04")
FIGURES: Final = {"roc_auc": "ROC-AUC", "f1": "F1"}

Found = dict[tuple[str, str], float]
"""Figures of one chain, by scorer and name."""


class PlainAdamW:
    """`detectors/adamw.py:AdamW` by torch's optimiser, a parameter at a time."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, rate: float, weight_decay: float
    ) -> None:
        self.rate = rate
        self._parameters = list(parameters)
        self._optimizer = torch.optim.AdamW(
            self._parameters, rate, BETAS, EPSILON, weight_decay, foreach=False, fused=False
        )

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        self._optimizer.zero_grad()

    def clip(self, norm: float) -> None:
        """Clips as torch does."""
        nn.utils.clip_grad_norm_(self._parameters, norm)

    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"rate": self.rate, "torch": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.rate = state["rate"]
        self._optimizer.load_state_dict(state["torch"])


@contextmanager
def plainly() -> Iterator[None]:
    """Stages train and score by torch's own operations, as long as it lasts."""
    with ExitStack() as stack:
        for owner, name, plain in (
            (GraphAttention, "forward", _attend),
            (GraphAttention, "pooled", _attend_and_pool),
            (VGAE, "sample", _sample),
            (losses, "weighted_terms", _weighted_terms),
            (stages, "AdamW", PlainAdamW),
        ):
            stack.enter_context(patch.object(owner, name, plain))
        yield


def _attend(
    layer: GraphAttention, x: Tensor, edges: Edges, residual: Tensor | None = None
) -> Tensor:
    return attend_plainly(x, layer.weights(), edges, residual)


def _attend_and_pool(
    layer: GraphAttention, x: Tensor, edges: Edges, residual: Tensor | None, pooling: Pooling
) -> tuple[Tensor, Tensor]:
    out = attend_plainly(x, layer.weights(), edges, residual)
    return out, pool_plainly(out, pooling)


def _sample(
    network: VGAE, batch: ScaledGraphs, generator: torch.Generator | None, noise: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    mu, logvar = network.encode(batch)
    if noise is None:
        noise = torch.empty_like(mu).normal_(generator=generator)
    return mu, logvar, mu + torch.exp(0.5 * logvar) * noise


def _weighted_terms(
    output: VgaeOutput, batch: ScaledGraphs, weights: VgaeLossWeights
) -> tuple[Tensor, Tensor]:
    terms = plain_terms(output, batch)
    factors = [weights.reconstruction, weights.id, weights.neighbour, weights.kl]
    return torch.dot(terms, terms.new_tensor(factors)), terms.detach()


def main() -> None:
    """Trains what isn't there yet and prints the tables; other options go to the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4], metavar="N")
    args, options = parser.parse_known_args()
    found: dict[str, list[Found]] = {way: [] for way in WAYS}
    for seed in args.seeds:
        for way in WAYS:
            words = (
                *CHAIN, "--dataset", args.dataset, "--data-root", str(args.data_root),
                "--experiment-root", str(args.experiment_root / way), "--seed", str(seed),
                *options,
            )  # fmt: skip
            with ExitStack() as stack:
                if way == "plain":
                    stack.enter_context(plainly())
                found[way].append(_chain(words, args.data_root))
    _print_seeds(args.seeds, found)
    _print_means(found)


def _chain(words: Sequence[str], data_root: Path) -> Found:
    """The figures of a chain, which is trained and evaluated here unless it was."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        (plan,) = plans_of(build_parser(words[0]).parse_args(words), one_stage=False)
        write_plan(plan)
        jobs = jobs_of(plan)
        for job in jobs:
            if can_train(("run", "--no-mlflow", "--frozen-config", str(job.frozen))):
                raise SystemExit(said.getvalue())
    report = evaluation_path(jobs[-1].run_dir)
    if not report.is_file():
        logging.disable(logging.WARNING)
        evaluate_run(jobs[-1].run_dir, data_root)
    found: Found = {}
    for scorer, job in zip(SCORERS.values(), jobs, strict=True):
        summary = json.loads((job.run_dir / "summary.json").read_text(encoding="utf-8"))
        if summary["validation_value"] is not None:
            name = f"validation: {summary['validation_metric']}"
            found[scorer, name] = float(summary["validation_value"])
    return found | _figures(json.loads(report.read_text(encoding="utf-8")))


def _figures(report: dict[str, Any]) -> Found:
    """Of each scenario, and their means."""
    found: Found = {}
    for key, name in FIGURES.items():
        for scorer in SCORERS.values():
            of_tests = {
                row["scenario"][: len(TESTS[0])]: row["metrics"][key]
                for row in report["rows"]
                if row["scorer"] == scorer and row["file"] is None
            }
            tests = [test for test in TESTS if test in of_tests]
            found |= {(scorer, f"{test}: {name}"): of_tests[test] for test in tests}
            found[scorer, f"mean of the tests: {name}"] = float(
                np.mean([of_tests[test] for test in tests])
            )
    return found


def _print_seeds(seeds: Sequence[int], found: dict[str, list[Found]]) -> None:
    names = [f"mean of the tests: {name}" for name in FIGURES.values()]
    columns = [(scorer, name) for scorer in SCORERS.values() for name in names]
    print("| seed | step |", *(f"{scorer}, {name} |" for scorer, name in columns))
    print("|---" * (2 + len(columns)) + "|")
    for at, seed in enumerate(seeds):
        for way in WAYS:
            print(f"| {seed} | {way} |", *(f"{found[way][at][key]:.5f} |" for key in columns))


def _print_means(found: dict[str, list[Found]]) -> None:
    print("\n| | compiled | plain | plain minus compiled | sd over seeds: compiled | plain |")
    print("|---|---|---|---|---|---|")
    order = list(SCORERS.values())
    for key in sorted(found["compiled"][0], key=lambda key: order.index(key[0])):
        compiled, plain = (np.array([each[key] for each in found[way]]) for way in WAYS)
        paired = over_seeds(list(plain - compiled))
        assert paired is not None
        width = "" if paired.half_width is None else f" ± {paired.half_width:.2g}"
        spread = [f"{each.std(ddof=1):.5f}" if len(each) > 1 else "" for each in (compiled, plain)]
        cells = (
            f"{key[0]}, {key[1]}", f"{compiled.mean():.5f}", f"{plain.mean():.5f}",
            f"{paired.mean:+.2g}{width}", *spread,
        )  # fmt: skip
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
