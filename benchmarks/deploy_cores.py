"""What exported detectors take on the cores of control units: compiled, and counted by QEMU."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.deploy_frames import PROGRAMS

_DEEPEST: Final = 6
"""Functions that call one another at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A core, and the machine of QEMU that has it.

    Attributes:
        name: As people call it.
        flags: Of the compiler.
        machine, cpu: As QEMU calls them.
        mhz: Clock that shares are told of.
    """

    name: str
    flags: tuple[str, ...]
    machine: str
    cpu: str
    mhz: int


CORES: Final = (
    Core(
        name="Cortex-M7",
        flags=("-mcpu=cortex-m7", "-mfpu=fpv5-d16"),
        machine="mps2-an500",
        cpu="cortex-m7",
        mhz=400,
    ),
    Core(
        name="Cortex-M4F",
        flags=("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-DCT_NO_LIBM"),
        machine="mps2-an386",
        cpu="cortex-m4",
        mhz=240,
    ),
)
LEVELS: Final = ("-O3", "-Os")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one export takes on a core.

    Attributes:
        name: The export.
        core: The core.
        level: Optimisation.
        code, tables: Bytes of flash.
        library: Further bytes of flash of the compiler's library, for doubles and copies.
        state, stack: Bytes of RAM.
        frame, window, longest: Instructions per frame on average, per window, and at most.
    """

    name: str
    core: Core
    level: str
    code: int
    tables: int
    library: int
    state: int
    stack: int
    frame: float
    window: float
    longest: float


def budgets_of(folders: Mapping[str, Path]) -> list[Budget]:
    """Of every export, core and optimisation."""
    return [
        _budget(name, folder, core, level)
        for name, folder in folders.items()
        for core in CORES
        for level in LEVELS
    ]


def _budget(name: str, folder: Path, core: Core, level: str) -> Budget:
    common = [
        "arm-none-eabi-gcc", "-std=gnu99", *core.flags, "-mfloat-abi=hard", "-mthumb", level,
        "-ffp-contract=fast", "-ffunction-sections", "-fdata-sections", "-I.",
    ]  # fmt: skip
    code = _size(folder, [*common, "-fstack-usage"], "can_train")
    tables = _size(folder, common, "can_train_tables")
    usage = (folder / "can_train.su").read_text().splitlines()
    stack = sum(sorted((int(line.split("\t")[1]) for line in usage), reverse=True)[:_DEEPEST])
    counted = _counted(folder, common, core)
    return Budget(
        name=name, core=core, level=level, code=code, tables=tables,
        library=_linked(folder, common) - code - tables,
        state=int(counted["state_bytes"]), stack=stack, frame=counted["per_frame"],
        window=counted["per_window"], longest=counted["longest"],
    )  # fmt: skip


def _size(folder: Path, command: Sequence[str], source: str) -> int:
    """Bytes of flash of one source."""
    _run([*command, "-c", f"{source}.c", "-o", f"{source}.o"], folder)
    return _text(folder / f"{source}.o")


def _linked(folder: Path, common: Sequence[str]) -> int:
    """Bytes of flash of a program that does nothing else, its library included."""
    link = [
        "-nostartfiles",
        "-Wl,--gc-sections,-e,reset",
        "-specs=nano.specs",
        "-specs=nosys.specs",
    ]
    sources = [str(PROGRAMS / "nothing_else.c"), "can_train.o", "can_train_tables.o"]
    _run([*common, *link, *sources, "-lm", "-o", "whole.elf"], folder)
    return _text(folder / "whole.elf")


def _counted(folder: Path, common: Sequence[str], core: Core) -> dict[str, float]:
    link = ["-ffreestanding", "-nostartfiles", "-T", str(PROGRAMS / "cortex_m.ld")]
    sources = [str(PROGRAMS / "cortex_m.c"), "can_train.o", "can_train_tables.o"]
    _run([*common, *link, *sources, "-lm", "-lc", "-lnosys", "-o", "count.elf"], folder)
    shown = subprocess.run(
        ["qemu-system-arm", "-M", core.machine, "-cpu", core.cpu, "-nographic", "-semihosting",
         "-icount", "shift=0", "-kernel", "count.elf"],
        cwd=folder, check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    pairs = [line.split() for line in (shown.stdout + shown.stderr).splitlines()]
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def _text(file: Path) -> int:
    shown = subprocess.run(
        ["arm-none-eabi-size", str(file)], check=True, capture_output=True, text=True
    )
    return int(shown.stdout.splitlines()[1].split()[0])


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
