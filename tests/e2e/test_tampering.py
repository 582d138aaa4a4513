"""Every file that is reused × what can happen to it × every command: refused, or as if unharmed.

What a command reads and finds altered it refuses by name and code. Whatever it doesn't read, all
of it altered at once, changes neither its exit code nor a word that it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from can_train.runs.layout import artifact_path, status_path
from tests.e2e.tampered_world import COMMANDS, DAMAGES, World, make_world

_USERS: Final = (
    "train", "pipeline", "fuse", "evaluate", "compare", "teachers add", "resume", "score", "run",
)  # fmt: skip
_GOING_ON: Final = ("train", "pipeline", "resume", "run")
"""Commands that go on with an interrupted run."""

_CHOOSING: Final = ("distil", "teachers list", "teachers show", "teachers find")
REFUSED: Final[Mapping[str, Mapping[str, int]]] = {
    "artifact": dict.fromkeys(_USERS, 6),
    "frozen config": dict.fromkeys(_USERS, 6),
    "status": dict.fromkeys((*_USERS, "status"), 6),
    "plan": {"resume": 6, "status": 6},
    "store": {"evaluate": 5},
    "training store": {"evaluate": 5, "run new": 5},
    "frames": dict.fromkeys(("train", "pipeline", "distil", "fuse"), 5),
    "checkpoint": dict.fromkeys(_GOING_ON, 6),
    "teacher": dict.fromkeys(_CHOOSING, 6),
    "entry": dict.fromkeys((*_CHOOSING, "teachers add"), 6),
}
"""Exit code of every command that reads a kind of file: data 5, all else 6."""

TOLD: Final[Mapping[str, Mapping[str, str]]] = {
    "teacher": dict.fromkeys(("train", "pipeline", "teachers add"), "teacher put back: "),
    "entry": dict.fromkeys(("train", "pipeline"), "teacher not registered: "),
}
"""What commands say that put it right, or that can do without it."""

ANOTHER_WAY: Final[Mapping[tuple[str, str], Mapping[str, int]]] = {
    ("status", "missing"): dict.fromkeys(
        ("fuse", "evaluate", "compare", "teachers add", "score"), 3
    ),
    ("status", "swapped"): dict.fromkeys(_USERS, 6),  # a status, though not that of this run
    ("status", "of another kind"): dict.fromkeys(_USERS, 6),
    ("plan", "missing"): {"resume": 3},
    ("entry", "missing"): {},  # the one that was kept under the hash of the file counts
    ("entry", "swapped"): {},
}
"""Instead of what stands in `REFUSED`."""

WITHOUT_CHECKPOINT: Final = tuple(c for c in COMMANDS if c not in REFUSED["checkpoint"])

SHOWN: Final = (("status", "missing"), ("status", "swapped"), ("status", "of another kind"),
                ("plan", "missing"))  # fmt: skip
"""After these `status` shows something else, which is neither wrong nor a failure."""


def refusing(what: str, how: str) -> Mapping[str, int]:
    return ANOTHER_WAY.get((what, how), REFUSED[what])


def telling(what: str, how: str) -> Mapping[str, str]:
    return {} if (what, how) in ANOTHER_WAY else TOLD.get(what, {})


def affected(what: str, how: str, command: str) -> bool:
    """Whether a command notices the damage."""
    if (what, how) == ("status", "missing") and command in _GOING_ON:
        return True  # nothing is known of that run: it is made again
    shown = command == "status" and (what, how) in SHOWN
    return shown or command in refusing(what, how) or command in telling(what, how)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("copy") / "world")


@pytest.fixture(scope="module")
def unharmed(whole: World) -> Mapping[str, tuple[int, str]]:
    """What every command says while nothing is damaged."""
    found = {}
    for command in COMMANDS:
        found[command] = whole.call(command)
        whole.restore()
    return found


@pytest.fixture(scope="module")
def interrupted(whole: World) -> list[tuple[int, str]]:
    """What commands that need no checkpoint say of an interrupted run."""
    whole.interrupt()
    found = [whole.call(command) for command in WITHOUT_CHECKPOINT]
    whole.restore()
    return found


@pytest.fixture
def world(whole: World) -> Iterator[World]:
    """The same for every case."""
    yield whole
    whole.restore()


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", REFUSED)
def test_what_was_altered_is_refused_by_name(
    world: World, tmp_path: Path, what: str, how: str
) -> None:
    if what == "checkpoint":
        world.interrupt()
    path = world.damage(what, how, tmp_path / "proof")
    for command, code in refusing(what, how).items():
        found, said = world.call(command)
        assert (command, found) == (command, code), said
        assert "Traceback" not in said and "reused" not in said, said
        named = (path.name, path.parent.name, world.run.name, "frames of ")
        assert any(name in said for name in named), said
    for command, told in telling(what, how).items():
        found, said = world.call(command)
        assert (command, found, told in said) == (command, 0, True), said
        world.restore()
        world.damage(what, how, tmp_path / "proof")
    assert not (tmp_path / "proof").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGES)
def test_what_a_command_does_not_read_changes_nothing(
    world: World, unharmed: Mapping[str, tuple[int, str]], tmp_path: Path, how: str
) -> None:
    pairs = 0
    for command in COMMANDS:
        unread = [what for what in REFUSED if not affected(what, how, command)]
        if "checkpoint" not in unread:
            unread.append("checkpoint")  # that of a finished run is read by nobody
        for what in unread:
            world.damage(what, how, tmp_path / "proof")
        assert (command, world.call(command)) == (command, unharmed[command])
        world.restore()
        pairs += len(unread)
    assert pairs > 70
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("how", DAMAGES)
def test_who_needs_no_checkpoint_sees_an_interrupted_run_without_it_as_with_it(
    world: World, interrupted: list[tuple[int, str]], tmp_path: Path, how: str
) -> None:
    world.interrupt()
    world.damage("checkpoint", how, tmp_path / "proof")
    assert [world.call(command) for command in WITHOUT_CHECKPOINT] == interrupted
    assert {code for code, _ in interrupted} == {0, 1, 3}


@pytest.mark.parametrize(("what", "how"), SHOWN)
def test_status_shows_what_stands_in_a_record_of_another_run(
    world: World, tmp_path: Path, what: str, how: str
) -> None:
    world.damage(what, how, tmp_path / "proof")
    code, said = world.call("status")
    assert (code, world.run.name in said) == (0, True), said


def test_a_run_without_status_is_made_again_and_comes_to_the_same(world: World) -> None:
    artifact = artifact_path(world.run, "gat", "teacher")
    before = artifact.read_bytes()
    artifact.unlink()
    status_path(world.run).unlink()
    code, said = world.call("run")
    assert (code, "reused" in said, artifact.read_bytes() == before) == (0, False, True), said


def test_what_nobody_altered_is_reused(unharmed: Mapping[str, tuple[int, str]]) -> None:
    for command, told in {
        "train": "reused: stage 1 (gat",
        "pipeline": "reused: stage 2 (gat",
        "resume": "reused: stage 2 (gat",
        "evaluate": "test_01_known",
        "compare": "test_01_known",
        "teachers add": "teacher already registered",
        "distil": "(registry)",
        "teachers find": "(registry)",
        "teachers show": "file: ok",
        "fuse": "gat_teacher.pth, sha256",
        "run": "has finished",
    }.items():
        code, said = unharmed[command]
        assert (command, code, told in said) == (command, 0, True), said


def test_evaluating_again_gives_the_same_file(world: World) -> None:
    before = {path.name: path.read_bytes() for path in world.run.glob("evaluation.*")}
    code, said = world.call("evaluate")
    assert (code, "other figures than before" in said) == (0, False)
    assert {path.name: path.read_bytes() for path in world.run.glob("evaluation.*")} == before
    assert len(before) == 2
