"""Whether the stored windows are enough for each stage, told before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from can_train.config.resolve import ResolvedStage
from can_train.errors import PreflightError
from can_train.pipeline.data import PlanData
from can_train.runs.layout import Roots
from can_train.vocab import LearningType

if TYPE_CHECKING:
    from can_train.dataset.stretches import WindowCount

_BENIGN_SIDES: Final = ("train", "validation", "threshold")
"""Sides on which every stage needs benign windows."""

_LEARNS_ON: Final[Mapping[LearningType, str]] = {"supervised": "train", "rl_fusion": "fusion"}
"""Side on which a stage that learns from labels needs attacks."""

_UNJUDGED: Final[Mapping[str, str]] = {
    "validation": "the best epoch is chosen by the loss alone, whatever attacks it finds",
    "threshold": "the threshold rests on benign windows alone, and nothing tells what it finds",
}
"""What it means for a classifier that a side holds no attack."""


class StoredWindows:
    """The real windows of a plan, counted.

    Args:
        data: Its dataset and windows.
        roots: Where the dataset lies.

    Raises:
        DataError: Stored labels can't be read.
    """

    def __init__(self, data: PlanData, roots: Roots) -> None:
        from can_train.dataset.stretches import count_windows

        self._data = data
        self._folder = data.manifest.ref.folder(roots.data)
        counts = count_windows(self._folder, data.manifest, data.windows)
        self._counts: dict[str, WindowCount] = counts

    def problems(self, stages: Sequence[ResolvedStage]) -> Iterator[PreflightError]:
        """What keeps the stages from being trained."""
        lacking = [side for side in _BENIGN_SIDES if not self._counts[side].benign]
        if lacking:
            yield PreflightError(
                f"{self._where}: no benign window on side {', '.join(lacking)}, and every stage "
                f"needs some there ({self._told}). Use a smaller --window, or import longer "
                "recordings of benign traffic"
            )
            return
        if self._data.windows.augment:
            yield from self._source_problems()
            return
        for stage in stages:
            side = _LEARNS_ON.get(stage.learning_type)
            if side is not None and (lack := self._lack(side)):
                yield PreflightError(
                    f"{stage.title}: it learns benign from attack windows, and side {side} {lack}. "
                    f"{self._where}: {self._told}. {self._more_attacks}"
                )

    def _source_problems(self) -> Iterator[PreflightError]:
        from can_train.dataset.sources import no_source, parts_without_source

        manifest, data = self._data.manifest, self._data.windows
        parts = parts_without_source(self._folder, manifest, data)
        if parts:
            yield PreflightError(no_source(manifest.dataset, data.split, parts))

    def warnings(self, stages: Sequence[ResolvedStage]) -> Iterator[str]:
        """What a classifier can't be judged by."""
        if self._data.windows.augment:
            return
        for stage in stages:
            if stage.learning_type != "supervised":
                continue
            for side, meaning in _UNJUDGED.items():
                if not self._counts[side].attack:
                    yield f"{stage.title}: side {side} holds no attack window: {meaning}"

    def _lack(self, side: str) -> str:
        """What keeps a stage from learning on a side; empty if nothing does."""
        count = self._counts[side]
        if not (count.benign and count.attack):
            return "doesn't hold both"
        return "holds a single attack window" if side == "train" and count.attack == 1 else ""

    @property
    def _where(self) -> str:
        data = self._data.windows
        return (
            f"dataset {self._data.manifest.dataset}, split {data.split}, "
            f"--window {data.window}, --stride {data.stride}"
        )

    @property
    def _more_attacks(self) -> str:
        manifest = self._data.manifest
        return (
            f"Import recordings with attacks (can-train data prepare --modality "
            f"{manifest.modality} --dataset {manifest.dataset} --benign DIR --attack DIR), or "
            "train on synthetic ones, too: --augment on"
        )

    @property
    def _told(self) -> str:
        """Windows on all sides: `train 20 benign + 3 attack, …`."""
        return ", ".join(
            f"{side} {count.benign:,} benign + {count.attack:,} attack"
            for side, count in self._counts.items()
        )
