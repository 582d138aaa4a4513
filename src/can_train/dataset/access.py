"""A stored dataset as other programs read it: recordings, frames, and graphs on sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest, load_manifest, split_digest
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import verified_frames
from can_train.graphs.identity import WindowSpec
from can_train.runs.layout import roots_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset that `can-train data prepare` stored.

    Attributes:
        manifest: What it holds.
        data_root: Root of all stored datasets.
    """

    manifest: DatasetManifest
    data_root: Path

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All distinct recordings; `is_train` tells those of training from the official tests."""
        return self.manifest.recordings

    def frames(self, recording: Recording) -> Frames:
        """The frames of one of `recordings`, memory-mapped.

        Raises:
            DataError: They are missing, or aren't the ones that were imported.
        """
        return verified_frames(self.manifest.ref.folder(self.data_root), recording)

    def windows(
        self, spec: WindowSpec, *, split: str = "time", windows_per_side: int | None = None
    ) -> DatasetWindows:
        """Graphs of the training recordings, cut into sides; stored on first use.

        Args:
            spec: How frames become graphs.
            split: Name of a split: `time`, `leave-vehicle-out:NAME` or `leave-attack-out:KIND`.
            windows_per_side: Most windows per side, evenly spread; None: all.

        Returns:
            Its `store` holds the graphs, its `windows("train")` says which are on a side.

        Raises:
            PreflightError: The dataset has no split of that name.
            DataError: A side that training needs is empty, or stored files were altered.
        """
        identity = self.manifest.identity
        data = DataConfig(
            dataset_digest=identity,
            split_digest=split_digest(identity, split, spec.window),
            features=spec.features,
            window=spec.window,
            stride=spec.stride,
            split=split,
            windows_per_side=windows_per_side,
        )
        return open_windows(self.data_root, self.manifest.ref, data)


def open_dataset(modality: str, dataset: str, *, data_root: str | Path | None = None) -> Dataset:
    """A stored dataset by its name.

    Args:
        modality: Application domain, such as `automotive`.
        dataset: Its name.
        data_root: Root of all stored datasets; absent: `data` beside the launcher.

    Raises:
        PreflightError: No such dataset was prepared there.
        DataError: Its manifest is damaged.
    """
    root = Path(data_root or roots_from().data)
    return Dataset(manifest=load_manifest(root, modality, dataset), data_root=root)
