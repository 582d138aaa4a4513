"""`can-train export`: a finished run in a format that works without it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options
from can_train.cli.outputs import require_writable, writing_for
from can_train.cli.trained import add_detector, detector_path
from can_train.config.spec import implementation
from can_train.deploy.exporter import Export, Exporter, ExportOption, exporters
from can_train.errors import ConfigError

if TYPE_CHECKING:
    from can_train.detectors.frame_scorer import FrameScorer

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `export`."""
    parser = subparsers.add_parser(
        "export",
        help="write a finished run in a format that works without it",
        description=(
            "Write a trained detector, with those that it fuses, its scaling, calibration, "
            "thresholds and alarm rule, in a format that needs neither run nor dataset."
        ),
        epilog=epilog("export"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector(parser)
    known = exporters()
    parser.add_argument(
        "--format",
        choices=tuple(known),
        required=True,
        help="; ".join(f"{each.name}: {each.title}" for each in known.values()),
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="what is written (default: named after model and run, in the current folder)",
    )
    for option in _options():
        _add(parser, option)
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the detector and says where.

    Raises:
        ConfigError: An option doesn't belong to the format.
        PreflightError: No such run, or nothing can be written there.
        ArtifactError: A file of the run is missing or damaged.
    """
    exporter = exporters()[args.format]
    given = _given(args, exporter)
    source = detector_path(args, "export")
    from can_train.detectors.loading import load_detector

    detector = load_detector(source, experiment_root=vars(args).get("experiment_root"))
    out: Path = args.out or Path(f"{_name(detector, source)}{exporter.suffix}")
    require_writable("--out", out, folder=not exporter.suffix)
    with writing_for("--out", out):
        implementation(exporter.write)(
            Export(detector=detector, source=source, out=out, given=given, report=_tell)
        )
    sys.stdout.write(f"written: {out}\n")
    return 0


def _name(detector: FrameScorer, source: Path) -> str:
    """What is written is called so where nobody says how."""
    own = detector.own.config
    return source.stem if source.is_file() else f"{own.model}_{own.model_size}_{source.name}"


def _options() -> list[ExportOption]:
    """The options of all formats, each once."""
    found = {o.name: o for exporter in exporters().values() for o in exporter.options}
    return list(found.values())


def _add(parser: argparse.ArgumentParser, option: ExportOption) -> None:
    formats = [e.name for e in exporters().values() if option.name in {o.name for o in e.options}]
    text = f"{option.help} ({' and '.join(formats)} only)"
    if option.choices:
        parser.add_argument(option.flag, choices=option.choices, help=text)
    elif option.metavar:
        parser.add_argument(option.flag, metavar=option.metavar, help=text)
    else:
        parser.add_argument(option.flag, action="store_const", const="", help=text)


def _given(args: argparse.Namespace, exporter: Exporter) -> dict[str, str]:
    """The options of formats that were typed.

    Raises:
        ConfigError: One of them doesn't belong to this format.
    """
    typed = vars(args)
    own = {option.name for option in exporter.options}
    given = {o.name: o for o in _options() if typed[o.name] is not None}
    for name, option in given.items():
        if name not in own:
            raise ConfigError(
                f"{option.flag} has no effect with --format {exporter.name}. Leave it out"
            )
    return {name: typed[name] for name in given}


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
