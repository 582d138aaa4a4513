"""What each part of a student is worth on cars that it never saw: a part left out at a time.

    python -m benchmarks.ablation --data-root data --experiment-root runs \
        --datasets hcrl_sa set_01 set_04 --seeds 0 1

Every row is trained on each dataset and judged on the training files of all datasets but that one
(`--judged-on`, by default the others; `benchmarks.foreign_cars`), so that no official test has a
part in it. Printed are means over datasets, then over seeds: ROC-AUC, the best F1 that any
threshold would give, F1 at the stored threshold and its lowest run, false-alarm rate, and F1 and
ROC-AUC minus those of the scorer's first row, paired by seed, with 95 % intervals. Finished runs
are used again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.foreign_cars import judged_files
from can_train.comparison.intervals import over_seeds
from can_train.evaluation.experts import load_experts
from can_train.runs.find import find_run

HEADER: Final = (
    f"{'':36} {'ROC-AUC':>8} {'best F1':>8} {'F1':>16} {'FPR':>7} "
    f"{'minus first: ROC-AUC':>22} {'F1':>16}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variant of a detector.

    Attributes:
        name: What is other than usual.
        scorer: Whose scores are judged.
        options: Of `can-train pipeline`.
    """

    name: str
    scorer: str
    options: tuple[str, ...] = ()


CURRICULUM: Final = ("--model", "vgae,gat", "--training-strategy", "autoencoder,curriculum")
NORMAL: Final = ("--model", "gat", "--training-strategy", "normal")
FUSION: Final = (
    "--model", "vgae,gat,dqn", "--training-strategy", "autoencoder,curriculum,fusion",
)  # fmt: skip


def _gat(name: str, *options: str) -> Row:
    return Row(name=f"GAT, {name}", scorer="gat", options=(*CURRICULUM, *options))


ROWS: Final = (
    _gat("as it is"),
    _gat("real recordings only", "--augment", "0"),
    _gat("mean pooling", "--model-args", "gat.pooling=mean"),
    _gat("maximum pooling", "--model-args", "gat.pooling=max"),
    _gat("mean over neighbours", "--model-args", "gat.neighbours=mean"),
    _gat("no edge features", "--model-args", "gat.edge_features=false"),
    _gat("plain nodes", "--model-args", "gat.neighbours=none"),
    Row(name="GAT, no curriculum", scorer="gat", options=NORMAL),
    _gat(
        "classic features, as published",
        "--features", "classic", "--augment", "0", "--model-args", "gat.pooling=mean",
    ),
    Row(name="VGAE, as it is", scorer="vgae", options=CURRICULUM[:1] + ("vgae",)),
    Row(
        name="VGAE, with an ID term", scorer="vgae",
        options=("--model", "vgae", "--model-args", "id_weight=0.1"),
    ),
    Row(
        name="VGAE, real recordings only", scorer="vgae",
        options=("--model", "vgae", "--augment", "0"),
    ),
    Row(name="fusion, as it is", scorer="fusion", options=FUSION),
    *(
        Row(
            name=f"fusion, {policy}", scorer="fusion", options=(*FUSION, "--fusion-policy", policy)
        )
        for policy in ("logistic", "mean", "dqn")
    ),
)  # fmt: skip


def main() -> None:
    """Prints the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, required=True)
    parser.add_argument("--datasets", nargs="+", required=True, metavar="DATASET")
    parser.add_argument("--judged-on", nargs="+", metavar="DATASET")
    parser.add_argument("--seeds", nargs="+", default=["0"], metavar="N")
    parser.add_argument("--rows", nargs="+", default=[row.name for row in ROWS], metavar="NAME")
    args = parser.parse_args()
    args.judged_on = args.judged_on or args.datasets
    print(HEADER)
    first: dict[str, NDArray[np.float64]] = {}
    for row in ROWS:
        if row.name in args.rows:
            found = np.array(
                [
                    [_figures(row, dataset, seed, args) for dataset in args.datasets]
                    for seed in args.seeds
                ]
            )
            print(_line(row.name, found, first.setdefault(row.scorer, found)), flush=True)


def _figures(row: Row, dataset: str, seed: str, args: argparse.Namespace) -> NDArray[np.float64]:
    """Mean ROC-AUC, best F1, F1 and false-alarm rate of one run on foreign files [4]."""
    run = _trained(row, dataset, seed, args)
    experts = load_experts(find_run(args.experiment_root, run))
    judged = [
        found
        for other in args.judged_on
        if other != dataset
        for scorer, found in judged_files(experts, args.data_root, other)
        if scorer == row.scorer
    ]
    figures = np.array([found.figures[:4] for found in judged])
    mean: NDArray[np.float64] = np.nanmean(figures, axis=0)
    return mean


def _trained(row: Row, dataset: str, seed: str, args: argparse.Namespace) -> str:
    """The id of the run that judges, which is trained unless it was."""
    command = [
        sys.executable, "-m", "can_train", "pipeline", "--modality", "automotive",
        "--dataset", dataset, "--model-size", "student", "--seed", seed, "--threads", "1",
        "--data-root", str(args.data_root), "--experiment-root", str(args.experiment_root),
        "--no-mlflow",
        *row.options,
    ]  # fmt: skip
    planned = subprocess.run([*command, "--dry-run", "--json"], check=True, stdout=subprocess.PIPE)
    last = json.loads(planned.stdout)["stages"][-1]
    if last["state"] != "reused":
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(last["run_id"])


def _line(name: str, figures: NDArray[np.float64], first: NDArray[np.float64]) -> str:
    """One row from figures [seeds, datasets, 4]; `first` are those of the scorer's first row."""
    auc, best, f1, fpr = figures.mean(axis=(0, 1))
    lowest = figures[:, :, 2].min()
    shown = f"{name:36} {auc:8.4f} {best:8.4f} {f1:8.4f} ({lowest:.3f}) {fpr:7.4f}"
    if figures is first:
        return shown
    difference = (figures - first).mean(axis=1)
    return f"{shown} {_interval(difference[:, 0]):>22} {_interval(difference[:, 2]):>16}"


def _interval(of_seeds: NDArray[np.float64]) -> str:
    found = over_seeds(list(of_seeds))
    assert found is not None
    width = "" if found.half_width is None else f" ± {found.half_width:.4f}"
    return f"{found.mean:+.4f}{width}"


if __name__ == "__main__":
    main()
