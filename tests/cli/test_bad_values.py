"""Every option × what can be wrong with its value: code 2, the option named, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

import pytest

from can_train.cli.main import main
from can_train.config.build import build_request
from can_train.config.codec import unwrap
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting, option_of
from can_train.config.typed import Typed
from can_train.errors import ConfigError
from tests.cli.command_tree import arguments

BASE = {"modality": "automotive", "dataset": "car", "model": "vgae,gat,dqn", "fusion_policy": "dqn",
        "distillation": "with-kd,with-kd,no-kd",
        "training_strategy": "autoencoder,curriculum,fusion"}  # fmt: skip
NUMBERS = {
    "empty": "",
    "huge": "1e300",
    "huge whole": "1" + "0" * 23,
    "tiny": "1e-300",
    "NaN": "nan",
    "infinite": "-inf",
    "negative": "-1",
    "a word": "many",
    "a list of numbers": "1x2",
    "in other digits": "\u0663",
    "two minus": "--5",
}
TEXTS = {"empty": ""}


def wrong_values(setting: Setting) -> Iterator[tuple[str, str]]:
    """What isn't allowed, by what is wrong with it."""
    base, param = unwrap(setting.annotation)
    if base is str:
        yield from TEXTS.items()
        return
    for what, text in NUMBERS.items():
        whole = base is int or get_origin(base) is tuple
        if what == "tiny" and not whole and (param is None or not (param.ge and param.ge > 0)):
            continue  # as good as 0
        if what == "a list of numbers" and get_origin(base) is tuple:
            continue
        yield what, text


def cases() -> Iterator[tuple[str, str, Setting, str]]:
    for name, setting in SETTINGS.items():
        for what, text in wrong_values(setting):
            if text or setting.has_option:  # a pair without a value isn't one
                yield f"{name}: {what}", name, setting, text
    for model, known in ARCHITECTURE_SETTINGS.items():
        for name, setting in known.items():
            for what, text in wrong_values(setting):
                if text:
                    yield f"{model}.{name}: {what}", f"{model}.{name}", setting, text


@pytest.mark.parametrize(
    ("name", "setting", "text"), [pytest.param(*rest, id=title) for title, *rest in cases()]
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    name: str, setting: Setting, text: str
) -> None:
    if setting.has_option:
        given = {**BASE, name: text}
        shown = option_of(name)
    else:
        given = {**BASE, "model_args": f"{name}={text}"}
        shown = setting.name
    problems = [str(problem) for problem in build_request(Typed(text=given)).problems]
    found = [problem for problem in problems if shown in problem]
    assert found, problems
    assert all("isn't allowed" in problem and "Allowed: " in problem for problem in found)
    assert not any(word in "".join(found) for word in ("Traceback", "None"))


def test_an_option_that_is_given_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for name in (name for name, setting in SETTINGS.items() if setting.has_option):
        assert main(["train", option_of(name), "1", option_of(name), "1"]) == 2
        assert f"{option_of(name)} is already 1; give it once" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_value_of_any_option_is_code_2(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    found = [each for each in arguments() if each.action.option_strings]
    for each in found:
        code = main(each.words(text))
        said = capsys.readouterr().err
        assert (each.id, code) == (each.id, 2), said
        assert each.name in said or "isn't allowed" in said, (each.id, said)
    assert len(found) > 100


@pytest.mark.parametrize("option", ["--memory", "--walltime"])
@pytest.mark.parametrize("text", ["lots", "-1", "0", "1e9", "12:xx:00", "99999T", "nan"])
def test_amounts_that_slurm_would_not_read_are_usage(option: str, text: str) -> None:
    from can_train.config.schema import Resources
    from can_train.jobs.job import Needs
    from can_train.jobs.slurm.limits import malformed

    asked = Resources(memory=text) if option == "--memory" else Resources(walltime=text)
    needs = Needs(number=1, title="stage 1", model="gat", model_size="student", resources=asked)
    (problem,) = malformed([needs])
    assert isinstance(problem, ConfigError) and problem.exit_code == 2
    assert str(problem).startswith(f"{option}: stage 1 (gat): {text} isn't ")


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("yaml", "model: gat\nmodel: vgae\n"),
        ("yaml", "model: gat\nmodel_args: {heads: 2, heads: 4}\n"),
        ("json", '{"model": "gat", "model": "vgae"}'),
        ("json", '{"model_args": {"heads": 2, "heads": 4}}'),
    ],
)
def test_a_key_that_stands_twice_in_a_request_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, text: str
) -> None:
    path = tmp_path / f"request.{suffix}"
    path.write_text(text)
    assert main(["train", "--config", str(path)]) == 2
    assert re.search(
        rf"--config: {path} isn't YAML or JSON: \w+ is given twice", capsys.readouterr().err
    )


def test_what_steers_a_terminal_is_never_echoed(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b]0;owned\x07b\x9b31m"
    for words in (
        ["train", "--modality", "automotive", "--dataset", evil, "--model", "gat"],
        ["train", "--modality", evil, "--dataset", "x", "--model", evil],
        ["status", evil],
        [evil],
    ):
        assert main(words) in {2, 3}
        said = capsys.readouterr()
        assert all(c.isprintable() or c == "\n" for c in said.err + said.out)


def test_the_table_has_a_row_for_every_setting() -> None:
    numbers = [s for s in SETTINGS.values() if unwrap(s.annotation)[0] in {int, float}]
    assert len(numbers) > 20
    assert {name for _, name, *_ in cases()} >= set(SETTINGS)
