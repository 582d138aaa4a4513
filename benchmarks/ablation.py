"""What each part of a student is worth on cars that it never saw: a part left out at a time.

    python -m benchmarks.ablation --data-root data --experiment-root runs \
        --datasets hcrl_sa set_01 set_04 --seeds 0 1

Every row is trained on one dataset and judged on the training files of the other ones
(`benchmarks.foreign_cars`), so that no official test has a part in it. Printed are means over
datasets and seeds, and the lowest mean of a single run: ROC-AUC, the best F1 that any threshold
would give, F1 and false-alarm rate at the stored threshold. Finished runs are used again.
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
from can_train.evaluation.experts import load_experts
from can_train.runs.find import find_run

HEADER: Final = f"{'':44} {'ROC-AUC':>16} {'best F1':>8} {'F1':>16} {'FPR':>7}"


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
    _gat("plain nodes", "--model-args", "gat.neighbours=mean,gat.edge_features=false"),
    Row(name="GAT, no curriculum", scorer="gat", options=NORMAL),
    _gat(
        "classic features, as published",
        "--features", "classic", "--augment", "0", "--model-args", "gat.pooling=mean",
    ),
    Row(name="VGAE, as it is", scorer="vgae", options=CURRICULUM[:1] + ("vgae",)),
    Row(
        name="VGAE, no ID term", scorer="vgae",
        options=("--model", "vgae", "--model-args", "id_weight=0"),
    ),
    Row(name="fusion, logistic", scorer="fusion", options=FUSION),
    *(
        Row(
            name=f"fusion, {policy}", scorer="fusion", options=(*FUSION, "--fusion-policy", policy)
        )
        for policy in ("maximum", "mean", "dqn")
    ),
)  # fmt: skip


def main() -> None:
    """Prints the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--experiment-root", type=Path, required=True)
    parser.add_argument("--datasets", nargs="+", required=True, metavar="DATASET")
    parser.add_argument("--seeds", nargs="+", default=["0"], metavar="N")
    parser.add_argument("--rows", nargs="+", default=[row.name for row in ROWS], metavar="NAME")
    args = parser.parse_args()
    print(HEADER)
    for row in ROWS:
        if row.name in args.rows:
            found = np.array(
                [
                    _figures(row, dataset, seed, args)
                    for dataset in args.datasets
                    for seed in args.seeds
                ]
            )
            print(_line(row.name, found), flush=True)


def _figures(row: Row, dataset: str, seed: str, args: argparse.Namespace) -> NDArray[np.float64]:
    """Mean ROC-AUC, best F1, F1 and false-alarm rate of one run on foreign files [4]."""
    run = _trained(row, dataset, seed, args)
    experts = load_experts(find_run(args.experiment_root, run))
    judged = [
        found
        for other in args.datasets
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
        *row.options,
    ]  # fmt: skip
    planned = subprocess.run([*command, "--dry-run", "--json"], check=True, stdout=subprocess.PIPE)
    last = json.loads(planned.stdout)["stages"][-1]
    if last["state"] != "reused":
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(last["run_id"])


def _line(name: str, figures: NDArray[np.float64]) -> str:
    auc, best, f1, fpr = figures.mean(axis=0)
    least_auc, _, least_f1, _ = figures.min(axis=0)
    return (
        f"{name:44} {auc:8.4f} ({least_auc:.3f}) {best:8.4f} {f1:8.4f} ({least_f1:.3f}) {fpr:7.4f}"
    )


if __name__ == "__main__":
    main()
