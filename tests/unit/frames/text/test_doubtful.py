"""Columns that may be a label though they aren't called so: refused until something is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.frames.readers import read_recording
from can_train.frames.text import doubtful
from can_train.frames.text.table_text import split
from tests.unit.frames.readers.test_table import refused, table
from tests.unit.frames.readers.texts import write

MANY = 5000
"""Lines of more than what is looked at to tell what columns are."""


def text_of(name: str, *values: str) -> str:
    rows = "".join(f"{k / 100:.2f},1A0,00,{value}\n" for k, value in enumerate(values))
    return f"time,id,data,{name}\n{rows}"


@pytest.mark.parametrize(
    ("name", "values", "held"),
    [
        ("Is it an attack?", ("no", "yes"), "'no' and 'yes'"),
        ("an attack here", ("4", "5", "6"), "'4' and '5'"),
        ("remark", ("", "DoS"), "'dos'"),
        ("remark", ("", "x"), "nothing and 'x'"),
        ("remark", ("engine on", "Fuzzing", "idle"), "'fuzzing'"),
        ("status", ("0", "3"), "'0' and '3'"),
        ("marker", ("0", "1"), "0 and 1 alone"),
    ],
)
def test_what_may_be_a_label_is_asked_about(
    tmp_path: Path, name: str, values: tuple[str, ...], held: str
) -> None:
    message = refused(tmp_path, text_of(name, *values))
    assert message.startswith(f"F: column {name} holds {held} and may be a label. ")
    assert not table(tmp_path, text_of(name, *values), {"label": "none"}).labelled


def test_a_name_with_blanks_is_proposed_as_a_shell_takes_it(tmp_path: Path) -> None:
    message = refused(tmp_path, text_of("Is it an attack?", "no", "yes"))
    assert "--columns 'label=Is it an attack?'" in message
    assert """--columns 'label=what'"'"'s up'""" in refused(
        tmp_path, text_of("what's up", "0", "1")
    )
    columns = {"label": "Is it an attack?"}
    result = table(tmp_path, text_of("Is it an attack?", "no", "yes"), columns)
    assert result.frames.label.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("remark", ("engine on", "idle", "off")),
        ("signal", ("1.5", "2.5", "0")),
        ("remark", ("x", "x", "x")),
        ("remark", ("", "", "")),
        ("dir", ("0", "1", "1")),
        ("direction", ("", "Tx", "")),
    ],
)
def test_what_is_none_is_left_out(tmp_path: Path, name: str, values: tuple[str, ...]) -> None:
    assert not table(tmp_path, text_of(name, *values)).labelled


def test_nothing_is_asked_where_there_is_a_label(tmp_path: Path) -> None:
    text = "time,id,data,marker,label\n1.0,1A0,00,0,1\n1.1,1A0,00,1,0\n"
    assert table(tmp_path, text).frames.label.tolist() == [1, 0]


@pytest.mark.parametrize(("first", "told"), [("", "nothing"), ("ok", "'ok'"), ("große", "'große'")])
def test_an_attack_that_begins_late(tmp_path: Path, first: str, told: str) -> None:
    text = text_of("remark", *[first] * MANY, "attacked")
    line = MANY + 2
    assert refused(tmp_path, text).startswith(
        f"F: column remark holds {told} and, in line {line}, 'attacked' and may be a label. "
    )
    assert len(table(tmp_path, text, {"label": "none"}).frames) == MANY + 1
    assert not table(tmp_path, text_of("remark", *[first] * MANY)).labelled


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-01-01", "2026-01-02"), ("0.5", "0.7"), ("00:1a:2b", "00:1a:2c"), ("1500", "1501")],
)
def test_what_is_measured_may_change_late(tmp_path: Path, first: str, last: str) -> None:
    assert not table(tmp_path, text_of("extra", *[first] * MANY, last)).labelled


@pytest.mark.parametrize("last", ['"x, y"', '"ok"', " OK ", "# remark, with, cells, x"])
def test_quotes_blanks_and_remarks_behind_the_first_lines(tmp_path: Path, last: str) -> None:
    text = text_of("remark", *["ok"] * MANY)
    text += last if last.startswith("#") else f"99.0,1A0,00,{last}"
    if "x, y" in last:
        assert f"in line {MANY + 2}, 'x, y' and may be a label" in refused(tmp_path, text)
    else:
        assert not table(tmp_path, text).labelled


@pytest.mark.parametrize("place", [0, 1, 2])
def test_wherever_the_column_stands(tmp_path: Path, place: int) -> None:
    def row(cells: list[str], own: str) -> str:
        return ",".join([*cells[:place], own, *cells[place:]]) + "\n"

    rows = "".join(row([f"{k / 100:.2f}", "1A0", "00"], "Ok") for k in range(MANY))
    text = row(["time", "id", "data"], "remark") + rows
    assert not table(tmp_path, text + row(["99.0", "1A0", "00"], "oK")).labelled
    assert "'ok' and, in line" in refused(tmp_path, text + row(["99.0", "1A0", "00"], "bad"))


def test_a_line_before_the_header_with_some_of_its_words(tmp_path: Path) -> None:
    before = "Logger: ACME\nChannels: ID, Time, Data\n\n"
    result = table(tmp_path, before + text_of("label", "0", "1"))
    assert result.frames.label.tolist() == [0, 1]
    assert result.frames.timestamp.tolist() == [0.0, 0.01]


def test_a_header_that_is_repeated_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{k / 100:.2f},1A0,0011223344556677,0\n" for k in range(9))
    text = "time,id,data,label\n"
    path = write(tmp_path, (text + rows + text + rows).encode(), "recording.csv")
    message = refused(tmp_path, path.read_text())
    assert message.startswith("F:11: arbitration ID isn't 1 to 8 hex digits: 'id'")
    assert len(read_recording(write(tmp_path, (text + rows).encode(), "a.csv")).frames) == 9


@pytest.mark.parametrize("value", ['"ok"', '" Ok "', '"x, y"', '""'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_around_what_never_changes_cost_no_look_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, end: str
) -> None:
    rows = "".join(f'"{k / 100:.2f}","1A0",{value},"00"{end}' for k in range(MANY))
    text = f'"time","id","remark","data"{end}{rows}'
    looked_at: list[str] = []

    def looked(text: str, separator: str) -> tuple[str, ...]:
        looked_at.append(text)
        return split(text, separator)

    monkeypatch.setattr(doubtful, "split", looked)
    assert len(table(tmp_path, text).frames) == MANY
    assert not looked_at
    for late in ('"x, z"', '"x", "z"', '"a"b"', '"x'):
        line = f'"99.00","1A0",{late},"00"{end}'
        assert f"in line {MANY + 2}, " in refused(tmp_path, text + line + rows)
