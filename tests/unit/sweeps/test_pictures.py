"""A picture per axis: each group a dot at its value, higher figures nearer to the top."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from can_train.sweeps.pictures import BOTTOM, HEIGHT, TOP, WIDTH, pictures_of
from can_train.sweeps.results import groups_of, results_of
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import MakeSweep
from tests.unit.sweeps.test_results import half_done

SVG = "{http://www.w3.org/2000/svg}"


def test_dots_stand_where_their_figures_are(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    groups = groups_of(results_of(half_done(sweep, finish)))
    (picture,) = pictures_of(sweep.manifest, groups)  # a seed is no axis
    assert picture.name == "learning_rate-car-gat-teacher"
    drawn = ElementTree.fromstring(picture.svg)
    first, second = drawn.findall(f"{SVG}circle")
    assert float(first.get("cx", 0)) < float(second.get("cx", 0)) < WIDTH
    assert 0 < float(first.get("cy", 0)) < float(second.get("cy", 0)) < HEIGHT  # 0.4 above 0.3
    words = [text.text for text in drawn.findall(f"{SVG}text")]
    assert {"0.001", "0.003", "learning_rate", "val_loss", "car gat teacher"} <= set(words)


def test_figures_that_are_all_the_same_lie_beside_one_tick(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", model="gat", one_stage=True)
    for planned in sweep.plan.stages:
        finish(planned, 1.0)
    results = results_of(half_done(sweep, finish, left=len(sweep.plan.stages)))
    (picture,) = pictures_of(sweep.manifest, groups_of(results))
    drawn = ElementTree.fromstring(picture.svg)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    assert [float(dot.get("cy", 0)) for dot in drawn.findall(f"{SVG}circle")] == [middle, middle]
    beside = [t.text for t in drawn.findall(f"{SVG}text") if t.get("text-anchor") == "end"]
    assert beside == ["1"]


def test_what_has_not_finished_and_single_values_make_no_picture(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    groups = groups_of(results_of(half_done(sweep, finish, left=1)))
    assert not list(pictures_of(sweep.manifest, groups))


def test_values_are_shown_by_their_words(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("batch_size=auto,32", "seed=0,1", model="gat", one_stage=True)
    (picture,) = pictures_of(sweep.manifest, groups_of(results_of(half_done(sweep, finish))))
    words = [text.text for text in ElementTree.fromstring(picture.svg).findall(f"{SVG}text")]
    assert {"auto", "32"} <= set(words) and "0" not in words


def test_a_range_is_shown_by_size_with_few_words(sweep_of: MakeSweep, finish: Finish) -> None:
    rates = "0.003,0.001,0.002,0.004,0.005,0.006,0.007,0.008,0.009"
    sweep = sweep_of(f"learning_rate={rates}", model="gat", one_stage=True)
    for planned in sweep.plan.stages:
        finish(planned, planned.config.training.learning_rate)
    board = half_done(sweep, finish, left=len(sweep.plan.stages))
    definition = {"learning_rate": "0.001..0.009:linear"}
    manifest = replace(sweep.manifest, grid_definition=definition)
    (picture,) = pictures_of(manifest, groups_of(results_of(board)))
    dots = ElementTree.fromstring(picture.svg).findall(f"{SVG}circle")
    by_place = sorted(dots, key=lambda dot: float(dot.get("cx", 0)))
    heights = [float(dot.get("cy", 0)) for dot in by_place]
    assert heights == sorted(heights, reverse=True)  # the loss is the rate: it grows with it
    words = [text.text for text in ElementTree.fromstring(picture.svg).findall(f"{SVG}text")]
    assert "0.001" in words and "0.002" not in words
