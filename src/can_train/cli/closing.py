"""The block that closes a finished run, in its log and on the terminal: how well, at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from can_train.config.frozen import FrozenConfig, frozen_config_of
from can_train.config.run_log import read_events
from can_train.errors import CanTrainError
from can_train.files import read_object
from can_train.runs.events import EpochResources
from can_train.runs.layout import (
    BEST,
    artifact_path,
    evaluation_path,
    frozen_of_run,
    identity_of,
    summary_path,
)

TRAINS: Final = ("can-train train ", "can-train pipeline ")
"""Beginnings of commands that take `--force`."""

LOSS: Final = "loss"


def closing_lines(run: Path) -> list[str]:
    """What is worth knowing of a finished run; scenarios only where it was evaluated.

    A record that can't be read is named in their place: it doesn't undo the training.
    """
    try:
        return list(_lines(run)) if summary_path(run).is_file() else []
    except CanTrainError as error:
        return [str(error)]


def _lines(run: Path) -> Iterator[str]:
    summary, words = read_object(summary_path(run)), identity_of(run)
    artifact = artifact_path(run, words.model, words.model_size)
    yield f"run {run.name}: {words.model} {words.model_size}, {words.training_strategy}"
    yield f"validation: {_figures(_of_validation(summary))}"
    for scenario, figures in _scenarios(run, words.model):
        yield f"{scenario}: {_figures(figures)}"
    best, epochs = (int(cast(int, summary[key])) for key in ("best_epoch", "epochs"))
    yield f"best: epoch {best + 1} of {epochs}, checkpoints/{BEST}"
    yield f"cost: {_cost(run, summary)}"
    size = artifact.stat().st_size
    yield f"artifact: {artifact} ({size / 1000:,.1f} kB, {summary['parameters']:,} parameters)"
    yield f"again: {_command(run)}"


def _figures(figures: Mapping[str, object]) -> str:
    """Figures in words; what isn't defined is n/a."""
    return ", ".join(f"{name} {_digits(name, value)}" for name, value in figures.items())


def _digits(name: str, value: object) -> str:
    """Four digits: of a loss, which may be tiny, from the first one that counts."""
    if not isinstance(value, int | float):
        return "n/a"
    return f"{value:.4g}" if name == LOSS else f"{value:.4f}"


def _of_validation(summary: Mapping[str, object]) -> dict[str, object]:
    return {
        "accuracy": summary.get("validation_accuracy"),
        "F1": summary.get("validation_f1"),
        LOSS: summary.get("best_val_loss"),
    }


def _scenarios(run: Path, model: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The run's own rows of its evaluation, for whole scenarios."""
    path = evaluation_path(run)
    rows = read_object(path)["rows"] if path.is_file() else []
    for row in cast(list[dict[str, object]], rows):
        metrics = cast(Mapping[str, object], row["metrics"] or {})
        if row["file"] is None and row["kind"] == "model" and row["scorer"] == model:
            figures = {"accuracy": metrics.get("accuracy"), "F1": metrics.get("f1")}
            yield str(row["scenario"]), figures


def _cost(run: Path, summary: Mapping[str, object]) -> str:
    """Time, speed and memory; a CPU has no memory of its own."""
    epochs = [e.event for e in read_events(run) if isinstance(e.event, EpochResources)]
    speeds = [each.windows_per_s for each in epochs if each.windows_per_s is not None]
    host = [each.host_mib for each in epochs if each.host_mib is not None]
    device = [each.device_reserved_mib for each in epochs if each.device_reserved_mib is not None]
    return ", ".join(
        (
            f"{summary['seconds']} s",
            f"{sum(speeds) / len(speeds):,.0f} windows/s" if speeds else "windows/s n/a",
            f"most memory {_mib(host)}, on the device {_mib(device)}",
        )
    )


def _mib(peaks: list[float]) -> str:
    return f"{max(peaks):,.0f} MiB" if peaks else "n/a"


def _command(run: Path) -> str:
    """What was typed; with `--force` it trains again beside this run."""
    frozen = frozen_config_of(run)
    typed = frozen.provenance.get("command")
    if not isinstance(typed, str):
        return f"can-train run --frozen-config {frozen_of_run(run)}"
    again = typed.startswith(TRAINS) and " --force" not in typed
    return f"{typed}{' --force' if again else ''} (in {_folder(frozen)})"


def _folder(frozen: FrozenConfig) -> str:
    return str(frozen.provenance.get("folder", "the folder of then"))
