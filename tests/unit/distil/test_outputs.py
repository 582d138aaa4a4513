"""Teacher outputs on disk: right, computed once, safe with others and after a kill."""

from __future__ import annotations

import copy
import json
import logging
import multiprocessing
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.dataset.windows import DatasetWindows
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector
from can_train.detectors.vgae.network import VGAE
from can_train.distil.outputs import TeacherOutputs, teacher_outputs
from can_train.errors import DataError
from can_train.files import PARTIAL
from can_train.runs import stop
from can_train.runs.process import this_process
from can_train.runs.stop import Stopped
from tests.lab import Lab


@pytest.fixture
def parts(lab: Lab) -> tuple[Detector, DatasetWindows, Path]:
    """A teacher GAT, the data, and the folder of all stored outputs, empty."""
    config = lab.config("gat")
    teacher = load_detector(Path(str(lab.teacher("gat").path)))
    inputs = lab.inputs(config)
    folder = inputs.folder / "teacher_outputs"
    for stored in folder.glob("*"):
        stored.rename(lab.home / f"{stored.name}-{len(list(lab.home.iterdir()))}")
    torch.set_num_threads(1)
    return teacher, inputs, folder


def logits_of(teacher: Detector, inputs: DatasetWindows) -> TeacherOutputs:
    return teacher_outputs(teacher, inputs, inputs.windows("train"), ("logits",))


def test_they_are_what_the_teacher_says_in_eval_mode_about_its_own_view(lab: Lab, parts) -> None:
    teacher, inputs, _ = parts
    windows = inputs.windows("train")[::-1].copy()
    teacher.network.train()  # somebody trains the module around it
    found = teacher_outputs(teacher, inputs, windows, ("logits", "embedding")).arrays
    with torch.no_grad():
        said = teacher.network.eval()(teacher.feed(inputs.store).batch(windows))
    np.testing.assert_allclose(found["logits"], said.logits.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["embedding"], said.embedding.numpy(), rtol=1e-5, atol=1e-6)
    assert all(p.grad is None for p in teacher.network.parameters())


def test_a_vgae_teacher_gives_means_and_what_it_decodes_from_them(lab: Lab) -> None:
    teacher = load_detector(Path(str(lab.teacher("vgae").path)))
    inputs = lab.inputs(lab.config("vgae"))
    windows = inputs.windows("validation", benign=True)
    found = teacher_outputs(teacher, inputs, windows, ("mu", "reconstruction")).arrays
    assert isinstance(teacher.network, VGAE)
    with torch.no_grad():
        mu, _ = teacher.network.encode(teacher.feed(inputs.store).batch(windows))
        decoded = teacher.network.decode(mu)
    np.testing.assert_allclose(found["mu"], mu.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["reconstruction"], decoded.numpy(), rtol=1e-4, atol=1e-5)


def test_they_are_computed_once(parts) -> None:
    teacher, inputs, folder = parts
    first = logits_of(teacher, inputs)
    teacher.network.forward = None  # it can't be asked again
    again = logits_of(teacher, inputs)
    assert np.array_equal(first.arrays["logits"], again.arrays["logits"])
    assert isinstance(again.arrays["logits"], np.memmap)
    assert len(list(folder.iterdir())) == 1


def test_other_windows_threads_or_teachers_have_outputs_of_their_own(parts) -> None:
    teacher, inputs, folder = parts
    windows = inputs.windows("train")
    other = copy.copy(teacher)
    other.sha256 = "0" * 64
    teacher_outputs(teacher, inputs, windows, ("logits",))
    teacher_outputs(teacher, inputs, windows[1:], ("logits",))
    teacher_outputs(teacher, inputs, windows[::-1].copy(), ("logits",))
    teacher_outputs(other, inputs, windows, ("logits",))
    torch.set_num_threads(2)
    teacher_outputs(teacher, inputs, windows, ("logits",))
    torch.set_num_threads(1)
    assert len(list(folder.iterdir())) == 5


@pytest.mark.parametrize("damage", ["truncated", "altered", "meta"])
def test_damaged_outputs_are_computed_again_with_one_warning(
    damage: str, parts, caplog: pytest.LogCaptureFixture
) -> None:
    teacher, inputs, folder = parts
    whole = np.array(logits_of(teacher, inputs).arrays["logits"])
    (stored,) = folder.iterdir()
    file = stored / ("meta.json" if damage == "meta" else "logits")
    raw = file.read_bytes()
    file.write_bytes(bytes([raw[0] ^ 1]) + raw[1:] if damage == "altered" else raw[:-8])
    with caplog.at_level(logging.WARNING):
        again = logits_of(teacher, inputs)
    assert np.array_equal(whole, again.arrays["logits"])
    warnings = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert warnings == [f"{stored}: damaged teacher outputs; they are computed again"]
    assert list(folder.iterdir()) == [stored]


def test_two_builders_at_once_give_the_same_and_leave_nothing_behind(parts) -> None:
    teacher, inputs, folder = parts
    barrier, found = threading.Barrier(2), []

    def build() -> None:
        barrier.wait()
        found.append(np.array(logits_of(teacher, inputs).arrays["logits"]))

    workers = [threading.Thread(target=build) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(found) == 2
    assert np.array_equal(found[0], found[1])
    assert len(list(folder.iterdir())) == 1


def test_what_a_killed_builder_left_is_removed(parts) -> None:
    teacher, inputs, folder = parts
    logits_of(teacher, inputs)
    (stored,) = folder.iterdir()
    for file in stored.iterdir():
        file.unlink()
    stored.rmdir()
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    dead = replace(this_process(), pid=int(process.pid or 0))
    process.join()
    for name, owner in (("dead", dead), ("alive", this_process())):
        left = folder / f"{PARTIAL}{stored.name}-{name}"
        left.mkdir()
        (left / "owner.json").write_text(json.dumps(asdict(owner)))
    logits_of(teacher, inputs)
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [stored.name, f"{PARTIAL}{stored.name}-alive"]
    )


def test_computing_them_ends_when_somebody_asks(parts, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, inputs, folder = parts
    monkeypatch.setattr(stop._Wish, "made", True)
    with pytest.raises(Stopped):
        logits_of(teacher, inputs)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cant_be_written_is_one_clear_error(parts) -> None:
    teacher, inputs, folder = parts
    folder.rmdir()
    folder.write_text("a file is in the way")
    with pytest.raises(DataError, match="can't be stored .*--data-root"):
        logits_of(teacher, inputs)
    folder.unlink()
