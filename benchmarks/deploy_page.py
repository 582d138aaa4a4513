"""The page of `benchmarks.deploy`."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.deploy_cores import Budget
from benchmarks.deploy_host import HostRow
from can_train.detectors.frame_scorer import FrameScorer

_KIB: Final = 1024
_FULL_BUS: Final = 4505
"""Frames per second of a full bus of 500 kbit/s."""

_PARTS: Final = ("code", "tables", "flash", "library", "state", "stack", "RAM")

_HEAD: Final = """# What an exported detector costs

Of a student {trio} of {dataset}, stride {stride}, window {window}, {parameters:,} parameters. This
page is what the last of these commands writes of it:

```bash
./can-train export RUN --format c --out ecu
./can-train export RUN --format c --quantize int8 --out ecu-int8
./can-train export RUN --format c --quantize int8 --small --out ecu-small
.venv/bin/python -m benchmarks.deploy RUN
```

Sizes are **compiled** (object files of GCC), instructions **emulated** (QEMU counts them with
`-icount shift=0`: no caches, no wait states, so no time), speed and F1 **measured** (on this host),
loads **estimated** from instructions.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scorer on one scenario: F1 of windows, and how far it is from Python."""

    scenario: str
    scorer: str
    by: str
    f1: float
    off: float
    severities: int
    windows: int


def page_of(
    detector: FrameScorer,
    rows: Sequence[Row],
    budgets: Sequence[Budget],
    host: Sequence[HostRow],
) -> str:
    """The page."""
    parts = detector.trained.values()
    head = _HEAD.format(
        trio=" + ".join(each.spec.row for each in parts),
        dataset=detector.own.config.dataset,
        stride=detector.spec.stride,
        window=detector.spec.window,
        parameters=sum(weight.size for each in parts for weight in each.weights.values()),
    )
    tables = [_memory(budgets), _instructions(budgets), _host(host), _f1(rows), _agreement(rows)]
    return "\n".join([head, *tables])


def _memory(budgets: Sequence[Budget]) -> str:
    lines = [
        "## Flash and RAM (compiled)\n",
        "64 IDs, in KiB. Flash is code and tables; what a linker adds of the compiler's library "
        "(for copies, and for doubles where a core has none) stands beside it. RAM is the one "
        "`ct_state` and the stack (estimated: the six largest frames of functions).\n",
        *_headed("export", "core", "", *_PARTS),
    ]
    for each in budgets:
        sizes = (
            each.code, each.tables, each.code + each.tables, each.library, each.state,
            each.stack, each.state + each.stack,
        )  # fmt: skip
        lines.append(_line(_names(each), (f"{size / _KIB:.1f}" for size in sizes)))
    return "\n".join([*lines, ""])


def _instructions(budgets: Sequence[Budget]) -> str:
    lines = [
        "## Instructions (emulated)\n",
        f"The load is estimated: a full bus of 500 kbit/s ({_FULL_BUS:,} frames/s) on a Cortex-M7 "
        "of 400 MHz, or on a Cortex-M4F of 240 MHz, at one instruction per cycle. The Cortex-M4F "
        "stands for the class of an ESP32: floats in hardware, doubles by the library.\n",
        *_headed("export", "core", "", "per frame", "per window", "longest window", "load"),
    ]
    for each in budgets:
        load = each.frame * _FULL_BUS / (each.core.mhz * 1e6)
        counts = (f"{count:,.0f}" for count in (each.frame, each.window, each.longest))
        lines.append(_line(_names(each), (*counts, f"{load:.0%}")))
    return "\n".join([*lines, ""])


def _host(host: Sequence[HostRow]) -> str:
    lines = [
        "## Speed (measured)\n",
        f"{_processor()}, one thread, load average {os.getloadavg()[0]:.2f}. A decision is the "
        "call that fills a window, and all that is said of it.\n",
        *_headed("export", "frames/s", "p50 µs", "p99 µs", texts=1),
    ]
    for each in host:
        figures = (f"{each.frames_per_s:,.0f}", f"{each.p50_us:,.0f}", f"{each.p99_us:,.0f}")
        lines.append(_line([each.name], figures))
    return "\n".join([*lines, ""])


def _f1(rows: Sequence[Row]) -> str:
    ways = list(dict.fromkeys(row.by for row in rows))
    lines = [
        "## F1 of windows (measured)\n",
        "Of all test recordings. `all IDs`: tables that hold every ID; `64 IDs`: as exported, "
        "where further IDs give way to one another; `96 IDs`: with `-DCT_MOST_IDS=96`.\n",
        *_headed("scenario", "scorer", *ways, texts=2),
    ]
    found = {(row.scenario, row.scorer, row.by): f"{row.f1:.4f}" for row in rows}
    for scenario, scorer in dict.fromkeys((row.scenario, row.scorer) for row in rows):
        values = (found.get((scenario, scorer, way), "") for way in ways)
        lines.append(_line([scenario, scorer], values))
    return "\n".join([*lines, ""])


def _agreement(rows: Sequence[Row]) -> str:
    lines = [
        "## Agreement with Python (measured)\n",
        "On the windows of all test recordings: how far a margin is off at most, and how many "
        "windows have another severity.\n",
        *_headed("export", "scorer", "margin", "severities", texts=2),
    ]
    keys = dict.fromkeys((row.by, row.scorer) for row in rows if row.by != "Python")
    for way, scorer in keys:
        of = [row for row in rows if (row.by, row.scorer) == (way, scorer)]
        changed, windows = sum(r.severities for r in of), sum(r.windows for r in of)
        figures = (f"{max(r.off for r in of):.1e}", f"{changed:,} of {windows:,}")
        lines.append(_line([way, scorer], figures))
    return "\n".join([*lines, ""])


def _names(budget: Budget) -> list[str]:
    return [budget.name, budget.core.name, f"`{budget.level}`"]


def _headed(*titles: str, texts: int = 3) -> list[str]:
    rules = ["---"] * texts + ["---:"] * (len(titles) - texts)
    return [f"| {' | '.join(titles)} |", f"|{'|'.join(rules)}|"]


def _line(names: Sequence[str], values: Iterable[str]) -> str:
    return f"| {' | '.join([*names, *values])} |"


def _processor() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if os.name == "posix" else ""
    names = [line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()
