"""`can-train models`: parameters and bytes of every preset."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final, TypeAlias

from can_train.cli.values import WholeNumber
from can_train.vocab import FEATURE_SETS

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

USUAL_IDS: Final = 50
MOST_IDS: Final = 100_000
BYTES_PER_PARAMETER: Final = 4
COLUMNS: Final = ("model", "model_size", "parameters", "bytes", "parts")


def add_parser(subparsers: Subparsers) -> None:
    """Adds `models`."""
    parser = subparsers.add_parser(
        "models",
        help="show parameters and bytes of every preset",
        description="Show parameters and bytes (float32 weights) of every preset.",
        epilog="example: can-train models",
    )
    parser.add_argument(
        "--features",
        choices=FEATURE_SETS,
        default="relational",
        help="feature set of the graphs (default: relational)",
    )
    parser.add_argument(
        "--ids",
        type=WholeNumber(least=1, most=MOST_IDS),
        default=USUAL_IDS,
        metavar="N",
        help=f"known arbitration IDs; they size classic embeddings (default: {USUAL_IDS})",
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
    )


def run(args: argparse.Namespace) -> int:
    """Builds every preset and counts; 0."""
    rows = _rows(args.features, args.ids)
    if "json" in args:
        sys.stdout.write(json.dumps({"models": rows}, indent=1) + "\n")
        return 0
    from can_train.tables import write_lines, write_table

    cells = [
        tuple(f"{row[c]:,}" if isinstance(row[c], int) else str(row[c]) for c in COLUMNS)
        for row in rows
    ]
    write_table(sys.stdout, COLUMNS, cells)
    ids = (
        f"counted for {args.ids} known arbitration IDs (--ids N), whose number sizes embeddings"
        if args.features == "classic"
        else f"with {args.features} features no number of known IDs (--ids) changes a preset"
    )
    agent = "a fusion is counted by its agent: trained ones differ by that"
    write_lines(sys.stdout, [f"{ids}; {agent}"])
    return 0


def _rows(features: str, ids: int) -> list[dict[str, str | int]]:
    from can_train.config.presets import usual_architecture
    from can_train.config.spec import model_names
    from can_train.detectors.build import network
    from can_train.detectors.counts import describe, parameter_count
    from can_train.vocab import MODEL_SIZES

    rows: list[dict[str, str | int]] = []
    for size in MODEL_SIZES:
        for model in model_names():
            built = network(model, usual_architecture(model, size), features, ids + 1)
            count = parameter_count(built)
            parts = describe(built).partition(": ")[2]
            row = (model, size, count, count * BYTES_PER_PARAMETER, parts)
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows
