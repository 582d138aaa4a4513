"""Writes a detector as a folder of C99."""

from __future__ import annotations

from can_train.deploy.bundle.write import run_of
from can_train.deploy.c99.cost import told_cost
from can_train.deploy.c99.folder import c_files
from can_train.deploy.c99.reduced import reduced
from can_train.deploy.c99.rounding import quantized
from can_train.deploy.exporter import Export
from can_train.errors import PreflightError
from can_train.files import writing_folder


def write(export: Export) -> None:
    """Writes the folder.

    Raises:
        ArtifactError: There is no C for such a detector.
        PreflightError: There is something of this name already.
    """
    if export.out.exists():
        raise PreflightError(f"--out {export.out}: exists already. Give the name of a new folder")
    whole, small = "quantize" in export.given, "small" in export.given
    detector = reduced(export.detector) if small else export.detector
    detector = quantized(detector) if whole else detector
    with writing_folder(export.out) as folder:
        for name, text in c_files(detector, whole=whole, small=small).items():
            (folder / name).write_text(text, encoding="utf-8")
    if whole or small:
        export.report(told_cost(run_of(export.source), export.detector, detector))
    export.report(
        f"compile it: cmake -S {export.out} -B build && cmake --build build && "
        f"ctest --test-dir build"
    )
