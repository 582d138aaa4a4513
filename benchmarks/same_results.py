"""Do two checkouts give the same results? The same plans in both, compared byte by byte.

    python -m benchmarks.same_results OTHER_CHECKOUT

Each checkout needs its own `.venv`. The plans are a chain of teachers and distilled students with
their fusion on synthetic traffic, single stages in classic features and with a feature signal and,
where `$CAN_TRAIN_RECORDINGS` names recordings, the chain on hcrl_sa. Compared are run ids,
artifacts (sha256) and evaluations, without their latencies. Exit code 1 if anything differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PLACE = ("--modality", "automotive", "--dataset")
CHAIN = (
    "--model", "vgae,gat,vgae,gat,dqn",
    "--model-size", "teacher,teacher,student,student,student",
    "--training-strategy", "autoencoder,curriculum,autoencoder,curriculum,fusion",
    "--distillation", "no-kd,no-kd,with-kd,with-kd,no-kd",
    "--epochs", "2,2,20,8,100",
)  # fmt: skip
CLASSIC = ("--features", "classic", "--model-size", "student", "--epochs", "4")
SINGLE = (
    ("--model", "gat", *CLASSIC),
    ("--model", "vgae", *CLASSIC),
    ("--model", "gat", "--distillation", "with-kd", "--auto-find-teacher", "--epochs", "4",
     "--feature-weight", "0.5"),
)  # fmt: skip


def main() -> int:
    """Trains in both checkouts and prints a line per run."""
    checkouts = (Path(sys.argv[1]).resolve(), HERE)
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(folder) / name for name in ("other", "this")]
        for checkout, kept in zip(checkouts, homes, strict=True):
            home = Path(folder) / "home"  # one path for both: that of a teacher is part of the hash
            home.mkdir()
            _train(checkout, home)
            home.rename(kept)
        lines = list(_differences(*homes))
    for line in lines:
        sys.stdout.write(f"{line}\n")
    different = sum(line.startswith("different") for line in lines)
    sys.stdout.write(f"{len(lines)} compared, {different} different\n")
    return int(different > 0)


def _train(checkout: Path, home: Path) -> None:
    recordings = os.environ.get("CAN_TRAIN_RECORDINGS")
    _run(checkout, home, "data", "synth", *PLACE, "synthetic")
    _run(checkout, home, "pipeline", *PLACE, "synthetic", *CHAIN)
    for options in SINGLE:
        _run(checkout, home, "train", *PLACE, "synthetic", *options)
    if recordings:
        source = str(Path(recordings) / "parquet" / "hcrl_sa")
        _run(checkout, home, "data", "prepare", *PLACE, "hcrl_sa", "--source", source)
        _run(checkout, home, "pipeline", *PLACE, "hcrl_sa", *CHAIN)


def _run(checkout: Path, home: Path, *words: str) -> None:
    python = str(checkout / ".venv" / "bin" / "python")
    surroundings = {"CAN_TRAIN_HOME": str(home), "PYTHONPATH": str(checkout / "src")}
    subprocess.run(
        [python, "-P", "-m", "can_train", *words],
        env={**os.environ, **surroundings},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _differences(one: Path, other: Path) -> Iterator[str]:
    runs = [
        {str(p.parent.relative_to(home)): p.parent for p in home.glob(pattern)}
        for home in (one, other)
        for pattern in ("experimentruns/*/*/*/*/*/*/*/*/summary.json",)
    ]
    for name in sorted({*runs[0], *runs[1]}):
        if not all(name in found for found in runs):
            yield f"different: run {name} is there once"
            continue
        mine, theirs = (_results(found[name]) for found in runs)
        for what in sorted({*mine, *theirs}):
            same = mine.get(what) == theirs.get(what)
            yield f"{'same' if same else 'different'}: {name} {what}"


def _results(run: Path) -> dict[str, str]:
    """Hashes of what a run made, by name."""
    found = {p.name: _sha256(p.read_bytes()) for p in run.glob("models/*.pth")}
    report = run / "evaluation.json"
    if report.is_file():
        document = json.loads(report.read_text(encoding="utf-8"))
        document.pop("latency_ms", None)
        found["evaluation"] = _sha256(json.dumps(document, sort_keys=True).encode())
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
