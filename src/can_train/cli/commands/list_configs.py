"""`can-train list-configs`: examples that work as they stand."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TypeAlias

from can_train.cli.examples import EXAMPLES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `list-configs`."""
    parser = subparsers.add_parser(
        "list-configs",
        help="show examples, and the presets of all models",
        description="Show examples that can be copied, and the presets of all models.",
        epilog="example: can-train list-configs",
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
    )


def run(args: argparse.Namespace) -> int:
    """Writes examples and presets; 0."""
    from can_train.config.presets import preset_names

    names = preset_names()
    if "json" in args:
        document = {
            "examples": [asdict(example) for example in EXAMPLES],
            "presets": [
                {"model": model, "model_size": size, "training_strategy": strategy}
                for model, size, strategy in names
            ],
        }
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return 0
    for example in EXAMPLES:
        sys.stdout.write(f"# {example.text}\n{example.line}\n")
    presets = ", ".join(" ".join(words) for words in names)
    sys.stdout.write(f"\npresets (model, size, strategy): {presets}\n")
    return 0
