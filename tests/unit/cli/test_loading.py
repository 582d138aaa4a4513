"""What a command loads is looked through for garbage neither meanwhile nor afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from can_train.cli import loading as module
from can_train.cli.loading import loading
from can_train.cli.main import main
from tests.lab import Lab

PROBE = """\
import sys
from can_train.cli.main import main
sys.argv[1:] = []
main({given})
from can_train.cli.loading import _Process
print(_Process.is_a_command)
"""


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module._Process, "is_a_command", True)
    yield
    gc.unfreeze()


def test_what_was_loaded_is_kept_for_good_in_a_commands_own_process(own_process: None) -> None:
    before = gc.get_freeze_count()
    with loading():
        assert not gc.isenabled()
        loaded: list[list[int]] = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(loaded)


def test_garbage_is_looked_for_again_where_loading_fails(own_process: None) -> None:
    with pytest.raises(ModuleNotFoundError), loading():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_nothing_changes_in_the_process_of_somebody_else() -> None:
    before = gc.get_freeze_count()
    with loading():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_who_has_switched_it_off_keeps_it_so(own_process: None) -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("given", "said"), [("", "True"), ("[]", "False")])
def test_a_process_is_a_commands_own_if_its_words_are_the_processs(given: str, said: str) -> None:
    probe = PROBE.format(given=given)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == said


def test_what_computes_keeps_what_it_loads(own_process: None, lab: Lab) -> None:
    config = lab.config("gat")
    run, frozen = lab.run_of(config), lab.frozen(config)
    recording = next((lab.home / "csv" / lab.dataset).rglob("*.csv"))
    experiments = ("--experiment-root", str(lab.experiments))
    for words in (
        ("run", "--frozen-config", str(frozen)),
        ("evaluate", run.name, "--data-root", str(lab.data_root), *experiments),
        ("detect", run.name, str(recording), *experiments),
    ):
        gc.unfreeze()
        assert main(words) == 0
        assert gc.get_freeze_count() > 0, words
