"""The launcher makes the environment once, survives being killed, and hands over."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from can_train import environment
from can_train.environment import LOG, MARKER, STAMP, is_current, stamp_text

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "can_train"
version = "0.1.0"
"""

BACKEND = '''\
"""Builds the editable wheel without setuptools, so that the test needs no network."""
import zipfile
from pathlib import Path

INFO = "can_train-0.1.0.dist-info"
METADATA = "Metadata-Version: 2.1\\nName: can_train\\nVersion: 0.1.0\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "can_train-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("can_train.pth", str(Path.cwd() / "src"))
        wheel.writestr(f"{INFO}/METADATA", METADATA)
        wheel.writestr(f"{INFO}/WHEEL", WHEEL)
        wheel.writestr(f"{INFO}/RECORD", "")
    return name

build_wheel = build_editable
'''

NOBODY = 65534
MAIN = """\
import os, sys
sys.stdout.write("|".join([os.environ["CAN_TRAIN_HOME"], os.getcwd(), *sys.argv[1:]]))
sys.exit(7)
"""


COMPILING = "import sys; sys.stdout.write('compiled')"


@pytest.fixture
def checkout(tmp_path: Path, repo_root: Path) -> Path:
    """A checkout with the real launcher, no packages to install and a main that echoes."""
    return make_checkout(tmp_path / "my checkout", repo_root)


def make_checkout(home: Path, repo_root: Path) -> Path:
    package = home / "src" / "can_train"
    package.mkdir(parents=True)
    shutil.copy(repo_root / "can-train", home / "can-train")
    shutil.copy(repo_root / "src/can_train/environment.py", package / "environment.py")
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(MAIN)
    (package / "cli").mkdir()
    (package / "cli" / "__init__.py").touch()
    (package / "cli" / "compiling.py").write_text(COMPILING)
    (home / "pyproject.toml").write_text(PROJECT)
    (home / "backend.py").write_text(BACKEND)
    (home / "requirements-torch.txt").write_text("# nothing\n")
    (home / "requirements.lock").write_text("# nothing\n")
    return home


@pytest.fixture
def ready_checkout(checkout: Path) -> Path:
    """The same with an environment that looks completely installed."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    python = binaries / "python"
    python.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{checkout}/src"\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    (checkout / ".venv" / STAMP).write_bytes(stamp_text(checkout))
    return checkout


def launch(
    launcher: Path, *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CAN_TRAIN_", "SLURM_"))}
    return subprocess.run(
        [str(launcher), *arguments],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_hands_over_arguments_directory_and_exit_code(ready_checkout: Path, tmp_path: Path) -> None:
    done = launch(ready_checkout / "can-train", "run", "two words", "", cwd=tmp_path)
    assert done.stdout == f"{ready_checkout}|{tmp_path}|run|two words|"
    assert (done.returncode, done.stderr) == (7, "")


def test_works_through_symlinks_and_from_the_search_path(
    ready_checkout: Path, tmp_path: Path
) -> None:
    absolute, relative = tmp_path / "absolute", tmp_path / "relative"
    absolute.symlink_to(ready_checkout / "can-train")
    relative.symlink_to(Path("absolute"))
    for link in (absolute, relative):
        assert launch(link).stdout.split("|")[0] == str(ready_checkout)
    path = f"{ready_checkout}{os.pathsep}{os.environ['PATH']}"
    done = launch(Path("sh"), "-c", "can-train", cwd=tmp_path, PATH=path)
    assert done.stdout.split("|")[0] == str(ready_checkout)


def test_a_module_in_the_working_directory_does_not_shadow_the_program(
    ready_checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "can_train").mkdir()
    assert launch(ready_checkout / "can-train", cwd=tmp_path).returncode == 7


@pytest.mark.parametrize("change", ["requirements.lock", "requirements-torch.txt"])
def test_a_slurm_job_refuses_an_environment_older_than_the_lock(
    ready_checkout: Path, change: str
) -> None:
    assert launch(ready_checkout / "can-train", SLURM_JOB_ID="12").returncode == 7
    (ready_checkout / change).write_text("# changed\n")
    done = launch(ready_checkout / "can-train", SLURM_JOB_ID="12")
    assert done.returncode == 3
    assert "nothing is installed inside a Slurm job (job 12)" in done.stderr
    assert done.stderr.endswith(f"{ready_checkout}/can-train --version\n")


def test_says_what_to_install_without_a_suitable_python(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "readlink", "cat", "cmp"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    done = launch(checkout / "can-train", PATH=str(tools))
    assert done.returncode == 3
    assert "found no Python 3.11 or newer" in done.stderr
    assert not (checkout / ".venv").exists()


def test_never_installs_into_a_folder_that_is_no_environment(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").touch()
    done = launch(checkout / "can-train", CAN_TRAIN_VENV=str(tmp_path))
    assert done.returncode == 3
    assert f"{tmp_path} exists and isn't a virtual environment" in done.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_what_others_put_into_pythons_way_is_left_out_and_told(
    ready_checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a shadowing json')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('a foreign numpy')")
    done = launch(
        ready_checkout / "can-train", "status", PYTHONPATH=str(tmp_path), PYTHONHOME=str(tmp_path)
    )
    assert (done.returncode, done.stdout.split("|")[-1]) == (7, "status")
    assert done.stderr.splitlines() == [
        f"can-train: {name}={tmp_path} is ignored" for name in ("PYTHONPATH", "PYTHONHOME")
    ]


def test_an_environment_of_somebody_else_is_left_alone(
    checkout: Path, ready_checkout: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "pyvenv.cfg").touch()
    done = launch(checkout / "can-train", CAN_TRAIN_VENV=str(theirs))
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{theirs} is an environment that can-train didn't make" in done.stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "can-train").touch()
    (theirs / STAMP).write_bytes(os.fsencode(other) + b"\n")
    done = launch(checkout / "can-train", CAN_TRAIN_VENV=str(theirs))
    assert done.returncode == 3
    assert f"{theirs} is the environment of the checkout {other}" in done.stderr
    assert sorted(path.name for path in theirs.iterdir()) == sorted(["bin", STAMP, "pyvenv.cfg"])


@pytest.mark.parametrize("where", ["file/below", "file"])
def test_an_impossible_place_is_one_message(checkout: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    done = launch(checkout / "can-train", CAN_TRAIN_VENV=str(tmp_path / where))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("Name another folder: CAN_TRAIN_VENV=DIR ./can-train --version\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="acts as a second user")
def test_a_second_user_on_a_write_protected_checkout_gets_one_message(
    checkout: Path, tmp_path: Path
) -> None:
    for folder in (checkout, *checkout.parents):
        if Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(0o755)
    home = tmp_path / "mine"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    for venv in (checkout / ".venv", home / "venv"):
        done = subprocess.run(
            [str(checkout / "can-train")],
            env={"PATH": os.environ["PATH"], "CAN_TRAIN_VENV": str(venv)},
            capture_output=True, text=True, check=False, user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
        assert not venv.exists()


def test_the_name_of_job_scripts_takes_what_train_and_run_take(
    ready_checkout: Path, repo_root: Path, tmp_path: Path
) -> None:
    script = ready_checkout / "train_with_hydra_zen.py"
    shutil.copy(repo_root / script.name, script)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CAN_TRAIN_", "PYTHON"))}
    for words, command in (
        (["--frozen-config", "f.json"], "run"),
        (["--frozen-config=f.json"], "run"),
        (["--modality", "automotive", "--model", "gat"], "train"),
    ):
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(script), *words],
            env=kept, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout.split("|")[2:]) == (7, [command, *words]), done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A checkout that was started twice at once, and what both starts said."""

    checkout: Path
    codes: list[int]
    outputs: list[tuple[str, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Installed:
    checkout = make_checkout(tmp_path_factory.mktemp("installed") / "my checkout", repo_root)
    starts = [
        subprocess.Popen(
            str(checkout / "can-train"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [start.communicate(timeout=120) for start in starts]
    codes = [start.returncode for start in starts]
    return Installed(checkout=checkout, codes=codes, outputs=outputs)


def test_first_use_installs_once_and_concurrent_starts_wait(installed: Installed) -> None:
    checkout, outputs = installed.checkout, installed.outputs
    assert installed.codes == [7, 7]
    assert all(out.startswith(str(checkout)) for out, _ in outputs)
    talk = "".join(err for _, err in outputs)
    assert [talk.count(f"[{step}/5]") for step in range(1, 6)] == [1] * 5
    assert "[5/5] functions that are compiled once: " in talk
    assert len(talk.splitlines()) <= 8
    log = (checkout / ".venv" / LOG).read_text()
    assert "Successfully installed can_train" in log
    assert log.endswith("compiled")
    assert "another can-train is setting up" in talk
    again = launch(checkout / "can-train")
    assert (again.returncode, again.stderr) == (7, "")


def test_a_step_moves_on_a_terminal_and_leaves_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(environment, "TICK_S", 0.05)
    command = ["sh", "-c", "echo 'Downloading torch \033[31m(174 MB)'; sleep 0.3"]
    environment._run(2, "torch", command, tmp_path / "log")
    *moving, last = terminal.getvalue().split("\r\x1b[2K")
    assert any("[#>...] torch 0 s  Downloading torch [31m(174 MB)" in line for line in moving)
    assert last == "can-train: [2/5] torch: 0 s\n"


def test_an_interrupted_installation_is_started_again_from_nothing(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "half").mkdir(parents=True)
    (venv / MARKER).touch()
    done = launch(checkout / "can-train")
    assert done.returncode == 7
    assert "the last installation didn't finish" in done.stderr
    assert not (venv / "half").exists()
    assert not (venv / MARKER).exists()
    assert is_current(checkout, venv)


def test_a_changed_lock_renews_the_environment_in_place(installed: Installed) -> None:
    checkout = installed.checkout
    (checkout / "requirements.lock").write_text("# changed\n")
    done = launch(checkout / "can-train")
    assert done.returncode == 7
    assert "the lock file has changed" in done.stderr
    assert "[1/5]" not in done.stderr
    assert is_current(checkout, checkout / ".venv")


def test_a_failed_installation_says_which_step_and_keeps_its_marker(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("no-hash==1.0\n")
    done = launch(checkout / "can-train")
    assert done.returncode == 3
    assert "failed at [3/5] locked packages" in done.stderr
    assert "no-hash==1.0" in done.stderr  # the end of pip's output
    assert f"All of its output: {checkout / '.venv' / LOG}" in done.stderr
    assert (checkout / ".venv" / MARKER).exists()
    assert not is_current(checkout, checkout / ".venv")
