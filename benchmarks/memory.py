"""Imports and packs recordings in a process of its own; prints memory growth and store size.

Arguments: folder with CSV scenarios, feature set.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from can_train.dataset.manifest import load_manifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.graphs.columns import STORED
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import open_store

STORE_FILES = [column.name for column in STORED if column.per != "window"]


def peak_bytes() -> int:
    """Largest resident memory of this program so far; `getrusage` counts what started it, too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def resident_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Prints growth and store size in bytes."""
    source, features = Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        before = peak_bytes()
        request = PrepareRequest(
            modality="automotive",
            dataset="long",
            data_root=root,
            source=source,
        )
        prepare_dataset(request, report=lambda _: None)
        manifest = load_manifest(root, "automotive", "long")
        store = open_store(
            manifest.ref.folder(root),
            manifest.train,
            WindowSpec(features=features, window=100, stride=100),  # type: ignore[arg-type]
        )
        growth = peak_bytes() - before
        path = root / "automotive" / "long" / "stores" / store.key[:16]
        size = sum((path / name).stat().st_size for name in STORE_FILES)
    sys.stdout.write(f"{growth} {size}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
