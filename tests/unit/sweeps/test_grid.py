"""Grid files: parts with requests and axes of their own, below what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.config.typed import Typed
from can_train.errors import ConfigError
from can_train.sweeps.axes import parse_axis
from can_train.sweeps.grid import Grid, read_grid, request_document, spanned

PARTS = """
name: both
request: {modality: automotive, dataset: car, epochs: [3, 4]}
grid: {seed: [0, 1]}
parts:
  - name: plain
    request: {model: [vgae, gat]}
  - name: distilled
    request: {model: [vgae, gat], distillation: with-kd, auto_find_teacher: true}
    grid: {alpha: [0.3, 0.7], temperature: [[2, 4], [4, 4]]}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    return path


def test_parts_have_what_they_share(tmp_path: Path) -> None:
    grid = read_grid(written(tmp_path, PARTS))
    plain, distilled = spanned(Typed(text={"threads": "1"}), [], grid)
    assert (grid.name, plain.part, distilled.part) == ("both", "plain", "distilled")
    assert (plain.count, distilled.count) == (2, 8)
    point = next(distilled.points())
    assert point.params == {"seed": 0, "alpha": 0.3, "temperature": [2.0, 4.0]}
    text, switches = request_document(point.typed)
    assert switches == ("auto_find_teacher",)
    assert text == {
        "modality": "automotive", "dataset": "car", "epochs": "3,4", "model": "vgae,gat",
        "distillation": "with-kd", "threads": "1", "seed": "0", "alpha": "0.3",
        "temperature": "2.0,4.0",
    }  # fmt: skip


def test_what_was_typed_goes_before_the_file(tmp_path: Path) -> None:
    grid = read_grid(written(tmp_path, PARTS))
    axes = [parse_axis("alpha=0.5,0.6,0.7")]
    plain, distilled = spanned(Typed(text={"seed": "7", "epochs": "1"}), axes, grid)
    assert [axis.name for axis in distilled.axes] == ["temperature", "alpha"]
    assert (plain.count, distilled.count) == (3, 6)
    text, _ = request_document(next(distilled.points()).typed)
    assert (text["seed"], text["epochs"]) == ("7", "1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grids: {}", "unknown key grids; did you mean grid? Allowed: name, request, grid, parts"),
        ("parts: [{requst: {}}]", "unknown key requst; did you mean request?"),
        ("parts: []", "parts: a list of name, request and grid is expected"),
        ("grid: [1]", "request and grid: keys with values are expected"),
        ("grid: {seed: []}", "seed: has no values"),
        ("grid: {seed: {a: 1}}", "seed: {'a': '1'} isn't a word, number or list"),
        ("grid: {seed: [many]}", "--grid seed: many isn't allowed. Allowed: a whole number"),
        ("request: {sed: 1}", "unknown key sed"),
        ("parts: [{name: a}, {name: a}]", "two parts are called a"),
        ("- 1", "holds no keys"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_grid(written(tmp_path, text))
    assert said in str(error.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--grid-file: .*nosuch.yaml can't be read"):
        read_grid(tmp_path / "nosuch.yaml")


def test_nothing_and_too_much_are_refused() -> None:
    typed = Typed(text={"model": "gat"})
    with pytest.raises(ConfigError, match="--grid: missing. Use for example: --grid learning_rate"):
        spanned(typed, [], Grid())
    many = ",".join(map(str, range(40)))
    axes = [parse_axis(f"seed={many}"), parse_axis(f"epochs={many.replace('0,', '40,', 1)}")]
    with pytest.raises(ConfigError, match="spans 1,600 combinations; at most 1,000 are allowed"):
        spanned(typed, axes, Grid())


def test_a_bare_word_is_the_grid_that_comes_with_it_and_a_path_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = read_grid("campaign")
    assert len(shipped.parts) > 3
    for name in ("campaign", "campaign.yaml", "mine"):
        Path(name).write_text(f"name: {name}-of-mine\ngrid: {{seed: [1, 2]}}\n")
    assert read_grid("campaign") == shipped
    for word in ("./campaign", str(tmp_path / "campaign"), "campaign.yaml", "mine"):
        assert read_grid(word).name == f"{Path(word).name}-of-mine", word
    with pytest.raises(ConfigError, match="nothing can't be read"):
        read_grid("nothing")
