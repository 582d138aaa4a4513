"""Job scripts: golden text, and values that stay data."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.config.schema import Resources
from can_train.errors import ConfigError
from can_train.jobs.slurm.script import JobScript, lead_s, log_pattern, processes, quoted, render

FULL = JobScript(
    name="gat-0123456789ab",
    frozen=(Path("/runs/it's here/configs/frozen_config_0123456789ab.json"),),
    resources=Resources(
        account="lab", partition="gpu", walltime="2:00:00", memory="16G", cpus=4, gpus=1,
        gpu_type="v100", qos="high", nodes=1, mail_user="me@example.org", constraint="a&b",
        exclude="node[1-2]", slurm_extra="--reservation='my res' --nice=5",
    ),
    setup=("module load python", "export A='b c'"),
    max_requeues=3,
    evaluate=True,
    python="/opt/my env/bin/python",
)  # fmt: skip

GOLDEN = """\
#!/bin/bash
#SBATCH --job-name=gat-0123456789ab
#SBATCH --account=lab
#SBATCH --partition=gpu
#SBATCH --qos=high
#SBATCH --time=2:00:00
#SBATCH --mem=16G
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --gpus-per-node=v100:1
#SBATCH --constraint="a&b"
#SBATCH --exclude="node[1-2]"
#SBATCH --mail-user=me@example.org
#SBATCH --mail-type=END,FAIL,REQUEUE
#SBATCH "--reservation=my res" --nice=5
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --signal=B:USR1@120

module load python
export A='b c'
# What a site's modules set would put other packages before can-train's own.
unset PYTHONPATH PYTHONHOME
# Until the program listens, a warning of the time limit must not end the job.
trap '' USR1
exec '/opt/my env/bin/python' -P -m can_train run --max-requeues 3 --evaluate \
--frozen-config '/runs/it'"'"'s here/configs/frozen_config_0123456789ab.json'
"""


def test_every_resource_has_its_line() -> None:
    assert render(FULL) == GOLDEN


def test_what_nobody_asked_for_is_left_to_slurm() -> None:
    bare = replace(FULL, resources=Resources(), setup=(), evaluate=False)
    options = [line for line in render(bare).splitlines() if line.startswith("#SBATCH")]
    assert options == [
        "#SBATCH --job-name=gat-0123456789ab",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --open-mode=append",
        "#SBATCH --requeue",
        "#SBATCH --kill-on-invalid-dep=yes",
        "#SBATCH --signal=B:USR1@120",
    ]
    assert "--gpus" not in render(replace(FULL, resources=Resources(gpus=0)))


def test_an_array_runs_the_config_of_its_task(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/bash\nprintf "%s\\0" "$@"\n')
    python.chmod(0o755)
    paths = (Path("/a b/$(touch x)"), Path("/c\nd;'\"e"))
    script = replace(FULL, frozen=paths, array_limit=2, python=str(python), setup=())
    assert "#SBATCH --array=0-1%2\n" in render(script)
    for task, path in enumerate(paths):
        done = subprocess.run(
            ["bash", "-c", render(script)], capture_output=True, text=True, check=True,
            env={"SLURM_ARRAY_TASK_ID": str(task)}, cwd=tmp_path,
        )  # fmt: skip
        assert done.stdout.split("\0")[-2] == str(path)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (Resources(), 1),
        (Resources(nodes=1, gpus=1), 1),
        (Resources(nodes=3), 3),
        (Resources(nodes=3, gpus=0), 3),
        (Resources(gpus=4), 4),
        (Resources(nodes=2, gpus=4), 8),
    ],
)
def test_a_process_per_gpu_or_per_node(asked: Resources, count: int) -> None:
    text = render(replace(FULL, resources=replace(asked, cpus=3)))
    assert processes(asked) == count
    assert f"#SBATCH --ntasks={count}\n" in text
    assert ("--ntasks-per-node=4\n" in text) == (asked.gpus == 4)
    assert (f"exec srun --ntasks={count} " in text) == (count > 1)
    assert ("--cpus-per-task=3 --kill-on-bad-exit=0 --wait=0 bash -c" in text) == (count > 1)


def test_a_task_of_srun_is_told_what_a_process_has_to_know(tmp_path: Path) -> None:
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"\n')
    python = tmp_path / "a python"
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    shown = " ".join(f"${name}" for name in names)
    python.write_text(f'#!/bin/bash\necho "{shown}"; printf "%s\\0" "$@"; kill -USR1 $$; echo on\n')
    for path in (srun, python):
        path.chmod(0o755)
    script = replace(FULL, resources=Resources(nodes=2), python=str(python), setup=())
    task = {"SLURM_PROCID": "1", "SLURM_LOCALID": "0", "SLURM_NTASKS": "2",
            "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.7", "SLURM_JOB_ID": "17003"}  # fmt: skip
    done = subprocess.run(
        ["bash", "-c", render(script)], capture_output=True, text=True, check=True,
        env={**task, "PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path,
    )  # fmt: skip
    first, rest = done.stdout.split("\n", 1)
    assert first == "1 0 2 10.0.0.7 15003"
    assert rest.split("\0")[-2] == str(FULL.frozen[0])
    assert rest.endswith("on\n"), "the warning of the time limit came too early"


@given(name=st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1))
def test_any_path_reaches_the_program_unchanged(name: str) -> None:
    echo = replace(FULL, frozen=(Path("/") / name,), python="/bin/echo", setup=())
    command = render(echo).replace("exec /bin/echo", "exec printf %s\\\\0")
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[-2] == str(Path("/") / name).encode()


def test_values_are_one_word_of_their_line() -> None:
    assert quoted("plain-1.5_x@y%j") == "plain-1.5_x@y%j"
    assert quoted('a "b" \\ #c') == '"a \\"b\\" \\\\ #c"'
    with pytest.raises(ConfigError, match="one line of printable text"):
        quoted("a\n#SBATCH --uid=0")


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("--output=x", "--output is set by can-train"),
        ("-o x", "-o is set by can-train"),
        ("--reservation=a --array=1-2", "--array is set by can-train"),
        ("reservation=a", "isn't an option of sbatch"),
        ("--comment='a", "No closing quotation"),
    ],
)
def test_extra_options_that_would_break_a_job_are_refused(extra: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        render(replace(FULL, resources=Resources(slurm_extra=extra)))


def test_the_warning_comes_two_minutes_before_the_end_or_at_half_time() -> None:
    assert [lead_s(text) for text in (None, "1:00:00", "4", "1", "0:01")] == [120, 120, 120, 30, 1]


def test_symbols_in_the_folder_of_a_log_are_no_symbols() -> None:
    path = Path("/runs/100%j/slurm_logs/gat_%j.out")
    assert log_pattern(path) == "/runs/100%%j/slurm_logs/gat_%j.out"
    with pytest.raises(ConfigError, match="holds a backslash"):
        log_pattern(Path("/runs\\x/gat_%j.out"))
