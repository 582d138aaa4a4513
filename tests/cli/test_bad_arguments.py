"""Every argument of every command × what can be wrong with it: code 2, named, told what is allowed.

All come from the real parsers: a new option is tested without a line here, or fails because
nobody said what kind it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.cli.parser import ChecksItself
from can_train.cli.values import (
    LONGEST,
    Number,
    SettingValue,
    WholeNumber,
    file_or_folder,
    file_path,
    file_text,
    folder_path,
)
from can_train.errors import ConfigError, exit_code_of
from tests.cli.command_tree import Argument, arguments, parser_of

ANY = {
    "not a word": "many",
    "NaN": "nan",
    "infinite": "inf",
    "huge": "1" + "0" * 23,
    "huge real": "1e300",
    "negative": "-1",
    "two of them": "1x2",
    "in other digits": "\u0663",
    "two minus": "--5",
}
"""What no range of numbers holds."""

FORBIDDEN = {
    "empty": "",
    "blank": "  ",
    "NUL": "a\0b",
    "escape": "a\x1b[31mb",
    "newline": "a\nb",
    "C1 control": "a\x9bb",
    "huge": "x" * (LONGEST + 1),
}
"""What no value of anything may be."""

RESOLVED = {
    "LIST", "VALUE", "KEY=VALUE,…", "PATH", "NAME", "RUN", "PLAN", "RUN|PLAN", "FLAG", "MODEL",
    "RUN|PLAN|DATASET", "SWEEP", "MANIFEST", "PATH|DATASET", "NAME=VALUE,…", "URI", "HOST",
    "ROLE=NAME,…", "K=V,...", "RUN|DATASET", "NAME|module:Class",
    "RUN|PLAN|SWEEP|DATASET|RECORDING",
}  # fmt: skip
"""Texts that commands look up: settings (`test_bad_values`), names (`test_names`), and so on."""

LOOKED_UP = {"--labels", "--lenient"}
"""Of a kind of their own, tested where they are."""

REPEATED = {"--executor", "--grid", "sweep results --out", "campaign --out", "--detector"}
"""What may be given several times, by option or command with option."""

NUMERIC = (WholeNumber, Number, SettingValue)
PATHS = (file_path, file_text, folder_path, file_or_folder)


def every() -> list[Argument]:
    return list(arguments())


def of(*kinds: Callable[[str], object]) -> list[Argument]:
    return [each for each in every() if each.action.type in kinds]


def params(found: list[Argument]) -> list[object]:
    return [pytest.param(each, id=each.id) for each in found]


def refusal(words: list[str]) -> str:
    """What the parser says, before the command itself begins."""
    with pytest.raises(ConfigError) as caught:
        parser_of(words[0]).parse_args(words)
    said = str(caught.value)
    assert exit_code_of(caught.value) == 2 and len(said) < 600 and "\n" not in said, words
    return said


def test_every_argument_is_of_a_kind_that_is_tested() -> None:
    unknown = [
        each.id
        for each in every()
        if not isinstance(each.action.type, NUMERIC)
        and each.action.type not in PATHS
        and each.action.choices is None
        and each.action.metavar not in RESOLVED
        and each.name not in LOOKED_UP
    ]
    assert not unknown, "give it a converter of cli/values.py"
    assert len(of(*PATHS)) > 60


def test_what_no_value_may_be_is_refused_everywhere() -> None:
    for each in every():
        for text in FORBIDDEN.values():
            if text or not isinstance(each.action, ChecksItself):  # see `test_bad_values`
                assert f"{each.name}: " in refusal(each.words(text)), each.id


def test_an_option_that_is_given_twice_is_refused() -> None:
    """One of the two would do nothing."""
    seen = set()
    for each in every():
        if not each.action.option_strings or {each.name, each.id} & REPEATED:
            continue
        text = _allowed(each)
        said = refusal([*each.words(text), f"{each.name}={text}"])
        assert f"{each.name} is already" in said and "give it once" in said, (each.id, said)
        seen.add(each.name)
    assert len(seen) > 60


def _allowed(each: Argument) -> str:
    kind = each.action.type
    if each.action.choices:
        return str(next(iter(each.action.choices)))
    if isinstance(kind, WholeNumber | Number):
        return str(kind.most)
    return {"--lenient": "0.5", "--columns": "time=1"}.get(each.name, "50")


@pytest.mark.parametrize("each", params(of(folder_path)))
def test_a_file_where_a_folder_is_needed_is_refused(tmp_path: Path, each: Argument) -> None:
    path = tmp_path / "file"
    path.touch()
    said = refusal(each.words(str(path)))
    assert said.startswith(f"{each.name}: {path} is a file. Give a folder. See: "), said


@pytest.mark.parametrize("each", params(of(file_path, file_text)))
def test_a_folder_where_a_file_is_needed_is_refused(tmp_path: Path, each: Argument) -> None:
    said = refusal(each.words(str(tmp_path)))
    assert said.startswith(f"{each.name}: {tmp_path} is a folder. Give a file. See: "), said


def numeric() -> list[Argument]:
    return [each for each in every() if isinstance(each.action.type, NUMERIC)]


def wrong_numbers(kind: object) -> Iterator[str]:
    yield from (text for what, text in ANY.items() if not _is_fine(kind, what))
    if isinstance(kind, WholeNumber):
        yield from (str(kind.least - 1), str(kind.most + 1), "1.5", "1e3")
    elif isinstance(kind, Number):
        yield from (str(kind.least * 0.999), str(kind.most * 1.001))


def _is_fine(kind: object, what: str) -> bool:
    return what == "negative" and isinstance(kind, Number | WholeNumber) and kind.least <= -1


@pytest.mark.parametrize("each", params(numeric()))
def test_a_number_out_of_range_is_refused_with_the_range(each: Argument) -> None:
    for text in wrong_numbers(each.action.type):
        said = refusal(each.words(text))
        assert said.startswith(f"{each.name}: "), said
        assert "Allowed: " in said and "number" in said, said


@pytest.mark.parametrize(
    "kind", sorted({each.action.type for each in numeric()}, key=repr), ids=repr
)
def test_both_ends_of_a_range_are_allowed(kind: object) -> None:
    if isinstance(kind, WholeNumber | Number):
        assert kind(str(kind.least)) == kind.least and kind(str(kind.most)) == kind.most
        with pytest.raises(argparse.ArgumentTypeError):
            kind("")


def test_the_scale_of_synthetic_traffic_is_bounded_once() -> None:
    from can_train.dataset.synth.dataset import LONGEST_SCALE, SHORTEST_SCALE

    (scale,) = (e.action.type for e in numeric() if e.id == "data synth --scale")
    assert scale == Number(least=SHORTEST_SCALE, most=LONGEST_SCALE)


def test_a_name_that_is_no_name_of_a_dataset_is_refused_where_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [each for each in every() if each.name == "--dataset"]
    for each in named:
        for text in ("../x", "a/b", ".hidden", "-", "latest", "x" * 65):
            folders = ["--data-root", str(tmp_path)]
            code = main([*each.words(text), *folders, *_more(each)])
            said = capsys.readouterr().err
            assert (each.id, code, "--dataset" in said) == (each.id, 2, True), said
    assert len(named) > 5 and not list(tmp_path.iterdir())


def _more(each: Argument) -> list[str]:
    """What `teachers add` needs beside it."""
    if each.path != ("teachers", "add"):
        return []
    return ["--from-state-dict", "x", "--modality", "automotive", "--model", "gat"]
