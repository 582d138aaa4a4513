"""`can-train env`: what this machine has, and what is missing."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Final, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.cli.values import file_path
from can_train.jobs.executor import executors

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

PACKAGES: Final = (
    "torch", "numpy", "polars", "numba", "scikit-learn",
    "hydra-zen", "PyYAML", "rich",
)  # fmt: skip
FORMAT_PACKAGES: Final = ("python-can", "asammdf", "zstandard")
"""Packages of the extra `formats`, which only some formats of recordings need."""

PAGE_PACKAGES: Final = ("starlette", "uvicorn")
"""Packages of the extra `live`."""

EXTRAS: Final = ("formats", "live", "mlflow", "onnx", "search")
Facts: TypeAlias = dict[str, dict[str, str | None]]

ASK_S: Final = 5.0
"""How long another program may take to answer."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `env`."""
    parser = subparsers.add_parser(
        "env",
        help="show what this machine has, and what is missing",
        description="Show Python, packages, devices, memory, folders and Slurm of this machine.",
        epilog="example: can-train env",
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
    )
    parser.add_argument(
        "--init-site",
        metavar="FILE",
        nargs="?",
        type=file_path,
        default=argparse.SUPPRESS,
        help="write a first site profile from what Slurm says (default: where it is looked for)",
    )
    parser.add_argument(
        "--install",
        choices=EXTRAS,
        default=argparse.SUPPRESS,
        help=(
            "install the packages that read ASC, BLF, MF4, SQLite and .zst recordings and live "
            "buses; what serves the live page; MLflow, which then mirrors the records of runs; "
            "ONNX, to export to it; or what sweeps search with"
        ),
    )
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Writes the facts, a site profile, or installs an extra; 1 if a package is missing."""
    if "init_site" in args:
        return _init_site(args.init_site)
    if "install" in args:
        return _install(args.install)
    facts = _facts(args)
    missing = _missing(facts)
    if "json" in args:
        sys.stdout.write(json.dumps({**facts, "missing": missing}, indent=1) + "\n")
    else:
        for topic, values in facts.items():
            for name, value in values.items():
                sys.stdout.write(f"{topic} {name}: {'none' if value is None else value}\n")
        for line in missing:
            sys.stdout.write(f"missing: {line}\n")
    return int(any(facts["package"][name] is None for name in PACKAGES))


def _init_site(given: Path | None) -> int:
    from can_train.jobs.slurm.site import user_profile
    from can_train.jobs.slurm.site_init import write_first_profile

    path = user_profile() if given is None else given
    write_first_profile(path)
    sys.stdout.write(f"written: {path}. Look it over; jobs get what it says\n")
    return 0


def _install(name: str) -> int:
    """Installs an extra from its lock file into this environment; gives pip's exit code."""
    import subprocess

    from can_train.errors import ConfigError

    lock = Path(os.environ.get("CAN_TRAIN_HOME", ".")) / f"requirements-{name}.lock"
    if not lock.is_file():
        raise ConfigError(
            f"--install {name}: no file {lock}. Use the launcher, which knows its checkout: "
            f"./can-train env --install {name}"
        )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    done = subprocess.run(
        [*pip, "--require-hashes", "--no-deps", "-r", str(lock)], stdout=sys.stderr, check=False
    )
    return done.returncode


def _facts(args: argparse.Namespace) -> Facts:
    import platform
    from importlib import metadata

    roots = roots_of(args)
    versions = {_plain(str(d.metadata["Name"])): d.version for d in metadata.distributions()}
    return {
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "package": {name: versions.get(_plain(name)) for name in PACKAGES},
        "format": {name: versions.get(_plain(name)) for name in FORMAT_PACKAGES},
        "mirror": {"mlflow": versions.get("mlflow")},
        "search": {"optuna": versions.get("optuna")},
        "page": {name: versions.get(name) for name in PAGE_PACKAGES},
        "machine": {
            "host": platform.node(),
            "cpus": str(len(os.sched_getaffinity(0))),
            "memory": _memory(),
            "gpus": _answer("nvidia-smi", "-L"),
        },
        "folder": {
            "data": str(roots.data),
            "experiments": str(roots.experiments),
            "teachers": str(roots.teachers),
        },
        **{name: dict(facts) for name, e in executors().items() if (facts := e.facts())},
    }


def _plain(name: str) -> str:
    """A distribution's name however it is spelled."""
    return name.lower().replace("_", "-")


def _missing(facts: Facts) -> list[str]:
    lines = [
        f"package {name}. Get it: remove .venv, then ./can-train --version"
        for name, version in facts["package"].items()
        if version is None
    ]
    absent = [name for name, version in facts["format"].items() if version is None]
    if absent:
        lines.append(
            f"packages of some formats ({', '.join(absent)}). Get them: can-train env "
            f"--install formats"
        )
    if facts["mirror"]["mlflow"] is None:
        lines.append("MLflow, which mirrors records. Get it: can-train env --install mlflow")
    if facts["search"]["optuna"] is None:
        lines.append("Optuna, for adaptive sweeps. Get it: can-train env --install search")
    if None in facts["page"].values():
        lines.append("what serves the live page. Get it: can-train env --install live")
    if facts["machine"]["gpus"] is None:
        lines.append("a GPU that nvidia-smi shows; training takes the CPUs")
    lines += [e.lacking(facts[name]) for name, e in executors().items() if name in facts]
    return [line for line in lines if line]


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    return f"{total / 1e9:.1f} GB, {free / 1e9:.1f} GB free"


def _answer(program: str, *arguments: str) -> str | None:
    """What another program says on one line; None if it isn't there or fails."""
    import shutil
    import subprocess

    if shutil.which(program) is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=False, timeout=ASK_S
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return "; ".join(lines) if done.returncode == 0 and lines else None
