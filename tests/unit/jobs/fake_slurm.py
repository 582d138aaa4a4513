"""Stand-ins for Slurm's commands, in a folder that comes first in PATH.

The state is a folder: `queue/<id>` holds `name|state`, `folders/<id>` where the job works, `calls`
every command line, and what `<command>.fails` says happens before the command does anything (or,
after `late`, afterwards). A job that is COMPLETING is seen so once.
"""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPT = r"""#!{python}
import shlex, sys, time
from pathlib import Path
home, name, args = Path({home!r}), Path(sys.argv[0]).name, sys.argv[1:]
with (home / "calls").open("a") as calls:
    calls.write(shlex.join([name, *args]) + "\n")
plan = home / (name + ".fails")
todo = plan.read_text().splitlines() if plan.exists() else []
now, later = (todo[0], todo[1:]) if todo else ("", [])
plan.write_text("\n".join(later))
late = now.startswith("late ")
if now and now != "ok" and not late:
    sys.exit(sys.stderr.write(name + ": error: " + now + "\n") and 1)
queue = home / "queue"
queue.mkdir(exist_ok=True)
folders = home / "folders"
folders.mkdir(exist_ok=True)
if name == "sbatch":
    script = Path(args[-1]).read_text()
    job = next(l.split("=", 1)[1] for l in script.splitlines() if "--job-name=" in l)
    number = len(list(queue.iterdir())) + 1
    (queue / str(number)).write_text(job + "|PENDING")
    folder = next(word.split("=", 1)[1] for word in args if word.startswith("--chdir="))
    (folders / str(number)).write_text(folder)
    print(f"{{number}};cluster")
if name == "squeue":
    known = {{p.name: p.read_text().split("|") for p in queue.iterdir()}}
    if "-n" in args:
        names = args[args.index("-n") + 1].split(",")
        for number, (job, state) in known.items():
            short = {{"PENDING": "PD", "COMPLETING": "CG"}}.get(state)
            if job in names and short:
                print(f"{{number}}|{{short}}|{{job}}|{{(folders / number).read_text()}}")
            if state == "COMPLETING":
                (queue / number).write_text(job + "|CANCELLED")
if name == "scancel":
    for number in args:
        p = queue / number
        p.write_text(p.read_text().split("|")[0] + "|CANCELLED")
if late:
    sys.exit(sys.stderr.write(name + ": error: " + now[5:] + "\n") and 1)
"""


class FakeSlurm:
    """The stand-ins and what they were called with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bin = home / "bin"
        self.bin.mkdir(parents=True)
        for name in ("sbatch", "squeue", "scontrol", "scancel", "sacct"):
            path = self.bin / name
            path.write_text(SCRIPT.format(python=sys.executable, home=str(home)))
            path.chmod(0o755)

    def fails(self, command: str, *lines: str) -> None:
        """What the next calls of `command` say; `ok` for a call that works."""
        (self.home / f"{command}.fails").write_text("\n".join(lines))

    def answers(self, command: str, text: str, code: int = 0) -> None:
        """Makes `command` write `text` (to stderr if it fails)."""
        (self.home / f"{command}.says").write_text(text)
        stream = ">&2" if code else ""
        (self.bin / command).write_text(
            f"#!/bin/sh\ncat '{self.home}/{command}.says' {stream}\nexit {code}\n"
        )
        (self.bin / command).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """Command lines so far."""
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def queue(self) -> dict[str, str]:
        """`name|state` by number."""
        return {path.name: path.read_text() for path in (self.home / "queue").iterdir()}
