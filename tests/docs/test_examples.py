"""Every `can-train ...` line we show is taken by the real parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from can_train.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
NEEDS_MODALITY = {"train", "pipeline", "sweep", "data", "validate"}

FENCE = re.compile(r"^ *```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:\./)?(can-train [^`]+)`")
COMMAND = re.compile(r"^\s*(?:\$ )?(?:\./)?(can-train(?: .*)?)$")
ELLIPSIS = {"...", "…"}


def documents() -> list[Path]:
    """Markdown pages and the sources with their docstrings."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    return sorted([*pages, *(ROOT / "src").rglob("*.py")])


def commands_in(text: str, *, fenced: bool) -> Iterator[str]:
    """Commands in code blocks (or, in a source file, on lines of their own) and in backticks."""
    blocks = FENCE.findall(text) if fenced else [text]
    for block in blocks:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if found := COMMAND.match(line.partition("  #")[0].rstrip()):
                yield found[1]
    for found in INLINE.finditer(FENCE.sub("", text) if fenced else text):
        yield " ".join(found[1].split())


def examples() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), command)
        for path in documents()
        for command in commands_in(path.read_text(encoding="utf-8"), fenced=path.suffix == ".md")
    ]


def is_mention(words: list[str]) -> bool:
    """Whether only the name of a command is written (`can-train data prepare`)."""
    return all(re.fullmatch(r"[a-z]+", word) for word in words)


@pytest.mark.parametrize(("page", "command"), examples())
def test_example_is_accepted(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    if is_mention(words) and "--help" not in words:
        names = [name for name in words if name]
        with pytest.raises(SystemExit, match="0"):
            build_parser().parse_args([*names, "--help"])
        return
    if "--help" in words or "--version" in words:
        with pytest.raises(SystemExit, match="0"):
            build_parser().parse_args(words)
        return
    assert not ELLIPSIS & set(words), f"{page}: write the example out"
    if words[0] in NEEDS_MODALITY:
        assert "--modality" in words, f"{page}: {command} needs --modality"
    build_parser().parse_args(words)


def test_the_readme_has_examples() -> None:
    assert any(page == "README.md" for page, _ in examples())


def test_continuation_lines_comments_and_prompts_are_understood() -> None:
    text = "```bash\n$ ./can-train run \\\n    --frozen-config F   # a comment\n```\n"
    assert list(commands_in(text, fenced=True)) == ["can-train run --frozen-config F"]
