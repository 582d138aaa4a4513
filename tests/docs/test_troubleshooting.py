"""What the guide to trouble quotes is what the program writes."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.docs.test_examples import ROOT, built_texts

PAGE = ROOT / "docs" / "guides" / "troubleshooting.md"
SYMPTOMS = ("no distillation happens", "but training fails", "Fusion with distillation is refused",
            "Out of memory", "MLflow is locked", "stuck in Slurm", "Wrong features for a teacher",
            "Every window of a new car alarms", "exit code 6", "Teacher not found")  # fmt: skip


def quoted(text: str) -> list[str]:
    """Messages on lines of their own that begin with `>`."""
    return re.findall(r"^> (.+)$", text, re.MULTILINE)


def pattern(message: str) -> re.Pattern[str]:
    """A message as it stands in the source: `…` is whatever is computed there."""
    parts = (re.escape(part.strip()) for part in message.strip("… ").split("…"))
    return re.compile(r"\s*.*?\s*".join(parts), re.DOTALL)


@cache
def sources() -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))


@cache
def texts(source: str) -> tuple[str, ...]:
    return tuple(built_texts(source))


def is_written(message: str) -> bool:
    """Whether a module builds such a text; likely ones, with its parts in a piece, first."""
    words, parts = re.findall(r"[A-Za-z-]{5,}", message), message.strip("… ").split("…")
    likely = [source for source in sources() if all(word in source for word in words)]
    likely.sort(key=lambda source: sum(part.strip() not in source for part in parts))
    return any(pattern(message).search(text) for source in likely for text in texts(source))


@pytest.mark.parametrize("message", quoted(PAGE.read_text("utf-8")))
def test_a_quoted_message_is_in_the_program(message: str) -> None:
    assert is_written(message)


def test_what_nobody_writes_is_noticed() -> None:
    assert not is_written("the … teacher has left the building")
    assert not is_written("Knowledge Distillation: POSTPONED")


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_symptom_has_cause_check_and_command(symptom: str) -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    (section,) = (text for text in sections if symptom in text.partition("\n")[0])
    assert "**Cause.**" in section and "**Do.**" in section
    assert re.search(r"can-train [a-z]", section)


def test_the_page_quotes_messages() -> None:
    assert len(quoted(PAGE.read_text("utf-8"))) >= len(SYMPTOMS)
