"""A picture per axis: each group a dot at its value, higher figures nearer to the top."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from can_train.sweeps.pictures import HEIGHT, WIDTH, pictures_of
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


def test_what_has_not_finished_and_single_values_make_no_picture(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    groups = groups_of(results_of(half_done(sweep, finish, left=1)))
    assert not list(pictures_of(sweep.manifest, groups))
