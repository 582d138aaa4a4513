"""The examples that `--help`, `list-configs`, README and docs show, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CHAIN: Final = (
    "can-train pipeline --modality automotive --dataset hcrl_sa --model vgae,gat,dqn "
    "--training-strategy autoencoder,curriculum,fusion"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One command line that works as it stands, but for names of datasets, runs and files.

    Attributes:
        command: The command it belongs to.
        text: What it does.
        line: The whole line.
    """

    command: str
    text: str
    line: str


EXAMPLES: Final[tuple[Example, ...]] = tuple(
    Example(command=line.split()[1], text=text, line=line)
    for text, line in (
        ("the whole chain on synthetic traffic, in minutes", "can-train demo"),
        (
            "import recordings that lie in scenario folders",
            "can-train data prepare --modality automotive --dataset hcrl_sa --source recordings",
        ),
        (
            "import recordings of your own",
            "can-train data prepare --modality automotive --dataset mycar "
            "--benign logs/normal --attack logs/attacks",
        ),
        (
            "train a teacher",
            "can-train train --modality automotive --dataset hcrl_sa --model gat "
            "--model-size teacher",
        ),
        (
            "distil one student from a registered teacher",
            "can-train train --modality automotive --dataset hcrl_sa --model vgae "
            "--distillation with-kd --auto-find-teacher",
        ),
        (
            "both teachers and the distilled students in one plan",
            "can-train pipeline --modality automotive --dataset hcrl_sa "
            "--model vgae,gat,vgae,gat,dqn "
            "--model-size teacher,teacher,student,student,student "
            "--training-strategy autoencoder,curriculum,autoencoder,curriculum,fusion "
            "--distillation no-kd,no-kd,with-kd,with-kd,no-kd",
        ),
        (
            "distilled students of registered teachers, fused",
            f"{CHAIN} --distillation with-kd,with-kd,no-kd --auto-find-teacher",
        ),
        ("the teachers, without distillation", f"{CHAIN} --model-size teacher"),
        ("a short trial of the whole plan", f"{CHAIN} --smoke"),
        ("what would run, as JSON", f"{CHAIN} --dry-run --json"),
        (
            "settings by stage",
            "can-train pipeline --modality automotive --dataset hcrl_sa --model vgae,gat "
            "--epochs 50,30 --learning-rate 0.003,0.001",
        ),
        (
            "an architecture of your own",
            "can-train train --modality automotive --dataset hcrl_sa --model gat "
            '--model-args "layers=3,fc_channels=96x48"',
        ),
        (
            "the plans of a grid",
            "can-train train --modality automotive --dataset hcrl_sa --model gat "
            '--model-args "learning_rate=[0.001,0.003]" --dry-run',
        ),
        (
            "every combination of a grid",
            "can-train sweep train --modality automotive --dataset hcrl_sa --model gat "
            "--grid learning_rate=0.001,0.003,0.005 --grid seed=1,2,3 --jobs 2",
        ),
        (
            "pipelines that share what they can",
            "can-train sweep pipeline --modality automotive --dataset hcrl_sa "
            "--model vgae,gat,dqn --grid gat.heads=2,4,8",
        ),
        (
            "check a request without running it",
            "can-train validate --modality automotive --config request.yaml",
        ),
        ("figures of a run on every test scenario", "can-train evaluate 0123456789ab"),
        (
            "the same beside recordings that were never imported",
            "can-train evaluate 0123456789ab --recordings logs/labelled --out outside",
        ),
        (
            "the same beside two detectors that aren't trained here",
            "can-train evaluate 0123456789ab --detector interval-rule,isolation-forest",
        ),
        (
            "alarms in recordings, labelled or not",
            "can-train score 0123456789ab logs/today.log logs/yesterday",
        ),
        (
            "scores of every window, for other programs",
            "can-train score 0123456789ab logs/today.log --json scores.json --csv windows.csv",
        ),
        (
            "the whole detector as one file, which needs neither run nor dataset",
            "can-train export 0123456789ab --format bundle --out mycar.cantrain",
        ),
        (
            "the networks for ONNX Runtime",
            "can-train export 0123456789ab --format onnx --out mycar.onnx",
        ),
        (
            "alarms in a recording by that file",
            "can-train score mycar.cantrain logs/today.log",
        ),
        (
            "alarms as they happen, in a recording that is replayed",
            "can-train detect mycar.cantrain logs/today.log --realtime",
        ),
        (
            "alarms of a live bus, on disk before they are shown",
            "can-train detect mycar.cantrain --bus socketcan:can0 --calibrate 120s "
            "--log alarms.jsonl",
        ),
        (
            "a page that shows a recording as if it came over the bus now",
            "can-train serve mycar.cantrain --replay logs/today.log",
        ),
        (
            "the same of a live bus, for other machines, by a token",
            "can-train serve mycar.cantrain --bus socketcan:can0 --host 0.0.0.0",
        ),
        ("the runs and their reports on a page", "can-train serve --runs"),
        ("a page to look at, of a run, plan or sweep", "can-train report 0123456789ab"),
        (
            "one of its figures for a paper",
            "can-train report 0123456789ab --figure roc-test_01_known_vehicle_known_attack "
            "--format pdf",
        ),
        ("what is running, done or broken", "can-train status"),
        ("sizes of all presets", "can-train models"),
        (
            "which batch fits on this machine, and why",
            "can-train batch-size explain --modality automotive --dataset hcrl_sa --model gat",
        ),
        ("what this machine has", "can-train env"),
    )
)


def epilog(command: str) -> str:
    """The examples of one command, for the end of its `--help`."""
    lines = [example.line for example in EXAMPLES if example.command == command]
    return "\n".join(["examples:" if len(lines) > 1 else "example:", *(f"  {x}" for x in lines)])
