"""Messages as they stand in the source: numbers of things, punctuation, words of the glossary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "can_train"
THINGS = (
    "alarm|artifact|attack|attack frame|attack window|bus error|byte|candidate|character|column|"
    "command|dataset|duplicate file|epoch|event|file|folder|frame|graph|ID|interval|job|label|"
    "labelled attack|line|malformed line|node|parameter|plan|problem|recording|row|run|scenario|"
    "second|seed|stage|step|teacher|thread|value|vehicle|window"
)
COUNTED = re.compile(rf"^ (?:{THINGS})s\b")
NEVER_ONE = {
    "a path, and no number": (
        "places[1]", "' and '.join(strategies_on(spec))", "known", "result.format",
    ),
    "a rate": (
        "clock.frames_per_s", "report.frames_per_s", "rate", "RATES", "sum(speeds) / len(speeds)",
    ),
    "windows of at least 2 frames": (
        "window", "self.window", "spec.window", "report.window", "self.stride", "self.n",
        "rule", "recording.window", "data.window",
    ),
    "a kind of graphs": ("data.features", "report.features"),
    "at least 2": (
        "status.epoch", "size", "len(points)", "len(taken)", "len(members)", "len(self.requests)",
        "max((run.parameters for run in runs))", "parameter_count(module)", "smaller",
        "summary['parameters']", "2 * count",
    ),
    "words of a message to developers": ("len(labels)", "len(truth)", "len(scores)"),
    "a command": ("args.command",),
    "the rule for fewer": (
        "len(frames)", "recording.frames", "len(result.frames)", "frames", "sum((r.frames for r in "
        "test))", "sum((r.frames for r in train))", "len(files)", "apart.min()", "found.lines",
        "seen.recording.frames",
    ),
    "said of a stretch with attacks": (
        "len(attacks)", "len(scored)", "len(at)", "int(result.frames.label.sum())",
    ),
    "a name": ("name", "DEFAULT"),
    "counted elsewhere": ("result.skipped", "result.error_frames"),
}  # fmt: skip
"""Expressions behind which a plural may stand as it is, by the reason."""


@cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((path, ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py")))


def texts(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", node


def test_a_number_of_things_has_the_right_form() -> None:
    """`counted(n, "stage")` says `1 stage`; `f"{n} stages"` doesn't."""
    allowed = {text for known in NEVER_ONE.values() for text in known}
    found = [
        f"{where}: {ast.unparse(number.value)}{str(after.value)[:20]!r}"
        for where, node in texts(ast.JoinedStr)
        if isinstance(node, ast.JoinedStr)
        for number, after in zip(node.values, node.values[1:], strict=False)
        if isinstance(number, ast.FormattedValue)
        and isinstance(after, ast.Constant)
        and COUNTED.match(str(after.value))
        and ast.unparse(number.value) not in allowed
    ]
    assert not found, "use errors.counted"


SAID_ELSEWHERE = re.compile(
    r"\b(packet|hop|frame_id|subset|snapshot|job_manager|use_kd|adapter)s?\b"
)
"""Words for which the glossary has others."""


def message(node: ast.AST) -> str:
    """The constant text of what an exception of ours is raised with; … for each value in it."""
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
        return ""
    name = getattr(node.exc.func, "id", "")
    first = node.exc.args[0] if node.exc.args and name.endswith("Error") else None
    parts = first.values if isinstance(first, ast.JoinedStr) else [first]
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts if part
    )


def test_messages_are_one_sentence_behind_the_other_in_the_words_of_the_glossary() -> None:
    found = {where: message(node) for where, node in texts(ast.Raise)}
    said = {where: text for where, text in found.items() if " " in text}
    assert len(said) > 150
    for where, text in said.items():
        assert "  " not in text and ".." not in text and not text.endswith("!"), where
        assert not re.search(r"(?i)\b(invalid|illegal|please|sorry|oops)\b", text), where
        assert not SAID_ELSEWHERE.search(text), where
