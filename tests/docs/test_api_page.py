"""Every Python example of docs/api.md runs, and every public name has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import can_train
from tests.lab import Lab

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
RUNS = (
    "rl_fusion/dqn/student/no_distillation/fusion",
    "supervised/gat/student/distilled/curriculum",
)


@pytest.fixture(scope="module")
def after_the_demo(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout's folder as `can-train demo` leaves it, with the small runs of a lab."""
    home = tmp_path_factory.mktemp("checkout")
    fusion = lab.train(lab.fusion())
    gat = Path(str(lab.student("gat").path)).parents[1]
    for folder, run in zip(RUNS, (fusion, gat), strict=True):
        at = home / "experimentruns" / "automotive" / "synthetic" / folder
        at.mkdir(parents=True)
        (at / "latest").symlink_to(run, target_is_directory=True)
    datasets, source = home / "data" / "automotive", home / "data" / "source"
    datasets.mkdir(parents=True)
    source.mkdir()
    stored = lab.data_root / "automotive" / lab.dataset
    for name in (lab.dataset, "synthetic"):
        (datasets / name).symlink_to(stored, target_is_directory=True)
    (source / "synthetic").symlink_to(lab.home / "csv" / lab.dataset, target_is_directory=True)
    return home


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_runs(
    number: int,
    after_the_demo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(after_the_demo)
    monkeypatch.delenv("CAN_TRAIN_HOME", raising=False)
    exec(compile(EXAMPLES[number], f"{PAGE.name}, example {number + 1}", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", can_train.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert re.search(rf"\b{name}\b", "\n".join(EXAMPLES))
