"""Reports in a real browser: drawn whole at every width, readable by all, equal to the records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from can_train.cli.main import main
from can_train.runs.layout import evaluation_path, report_path
from can_train.runs.state import end_running
from tests.browser import chromium
from tests.lab import Lab
from tests.pages import attack_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KINDS = ("run", "plan", "sweep", "dataset", "recording")
WIDTHS = (360, 768, 1440)
PAPER = 680
"""Pixels between the margins of A4."""
SWEEP = (
    "sweep train --modality automotive --dataset small --model gat --model-size student "
    "--threads 1 --epochs 2 --window 50 --stride 50 --windows-per-side 60 --augment off "
    "--model-args layers=2,heads=2,hidden_channels=4,id_embedding=2,fc_channels=6x5 "
    "--grid learning_rate=0.001,0.003 --no-mlflow"
).split()
FIGURES = {"ROC-AUC": "roc_auc", "F1": "f1", "recall": "recall", "FPR": "fpr"}
MOST_BYTES = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A fusion's run, and reports of it and of its dataset."""

    run: Path
    pages: dict[str, Path]


@pytest.fixture(scope="module")
def reported(lab: Lab) -> Reported:
    data = lab.data(stride=20)
    experts = {name: lab.parent_of(lab.config(name, data=data)) for name in ("vgae", "gat")}
    run = lab.train(lab.config("dqn", data=data, experts=experts))
    end_running(run, "finished")
    roots = ["--experiment-root", str(lab.experiments), "--data-root", str(lab.data_root)]
    assert main(["evaluate", run.name, *roots]) == 0
    assert main(["report", run.name, *roots]) == 0
    dataset = lab.home / "dataset.html"
    assert main(["report", lab.dataset, *roots, "--out", str(dataset)]) == 0
    recording = lab.home / "recording.html"
    assert main(["report", str(attack_of(lab)), "--out", str(recording)]) == 0
    pages = {"run": report_path(run), "dataset": dataset, "recording": recording}
    return Reported(run=run, pages=pages | _sweep_pages(lab, roots))


def _sweep_pages(lab: Lab, roots: list[str]) -> dict[str, Path]:
    """Reports of a sweep, and of the plan that it is, too."""
    assert main([*SWEEP, *roots]) == 0
    (folder,) = (lab.experiments / "sweeps").iterdir()
    pages = {"sweep": lab.home / "sweep.html", "plan": lab.home / "plan.html"}
    of = {"sweep": folder, "plan": lab.experiments / "plans" / folder.name}
    for kind, path in pages.items():
        assert main(["report", str(of[kind]), *roots, "--out", str(path)]) == 0
    return pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, path: Path, width: int = 1440, **options: Any) -> tuple[Page, list]:
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: said.append(sent.url) if sent.url[:4] != "file" else None)
    page.goto(path.absolute().as_uri())
    return page, said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_and_every_picture_is_drawn(
    browser: Browser, reported: Reported, kind: str, width: int
) -> None:
    assert reported.pages[kind].stat().st_size < MOST_BYTES
    page, said = opened(browser, reported.pages[kind], width)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        "[...document.querySelectorAll('svg')].map(s => { const r = s.getBoundingClientRect();"
        " return [r.width, r.height, s.querySelectorAll('path, circle').length] })"
    )
    assert sizes
    assert all(size[0] > 200 and size[1] > 80 and size[2] > 2 for size in sizes)
    assert said == []
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper_it_is_white_and_whole(browser: Browser, reported: Reported, kind: str) -> None:
    page, _ = opened(browser, reported.pages[kind], PAPER, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert page.evaluate("[...document.querySelectorAll('details')].every(e => e.open)")
    page.close()


def test_numbers_are_those_of_the_evaluation(browser: Browser, reported: Reported) -> None:
    page, _ = opened(browser, reported.pages["run"])
    table = page.evaluate(
        """() => {
        const table = document.querySelector('table[data-name=scenarios]');
        const titles = [...table.tHead.rows[0].cells].map(c => c.textContent.trim());
        const found = []; let scenario = '';
        for (const row of table.tBodies[0].rows) {
            const head = row.querySelector('.stays span');
            if (head) scenario = head.textContent.trim();
            else found.push([scenario, ...[...row.cells].map((c, i) =>
                i ? (c.dataset.value ?? null) : c.textContent.trim())]);
        }
        return [titles, found] }"""
    )
    titles, rows = table
    document = json.loads(evaluation_path(reported.run).read_text())
    stored = {
        (row["scenario"], row["scorer"]): row["metrics"]
        for row in document["rows"]
        if row["file"] is None
    }
    seen = 0
    for scenario, name, *cells in rows:
        metrics = stored.get((scenario, re.sub(r" \((control|other)\)$", "", name)))
        if metrics is None:
            assert name == "nothing can be counted"
            continue
        for title, figure in FIGURES.items():
            shown = cells[titles.index(title) - 1]
            assert (None if shown is None else float(shown)) == metrics[figure]
            seen += 1
    assert seen >= 60
    page.close()


def test_the_slider_tells_what_its_table_tells(browser: Browser, reported: Reported) -> None:
    page, _ = opened(browser, reported.pages["run"])
    slider = page.locator(".slider").first
    stored = slider.locator(".readout dd").all_text_contents()
    rows = slider.locator("tbody tr")
    place = slider.locator("circle").get_attribute("cy")
    other = rows.count() - 1 if slider.get_attribute("data-at") == "0" else 0
    slider.locator("input").fill(str(other))
    cells = rows.nth(other).locator("td").all_text_contents()
    assert slider.locator(".readout dd").all_text_contents() == cells != stored
    assert slider.locator("circle").get_attribute("cy") != place
    slider.locator("button").click()
    assert slider.locator(".readout dd").all_text_contents() == stored
    assert slider.locator("circle").get_attribute("cy") == place
    page.close()


def test_the_slider_stands_on_the_line_that_is_drawn(browser: Browser, reported: Reported) -> None:
    page, _ = opened(browser, reported.pages["run"])
    apart = page.evaluate(
        """() => {
        const slider = document.querySelector('.slider'), svg = slider.querySelector('svg');
        const dots = [...svg.querySelectorAll('use')].map(u => [+u.getAttribute('x'),
            +u.getAttribute('y')]);
        const box = svg.viewBox.baseVal;
        return [...slider.querySelectorAll('tbody tr')].map(r => Math.min(...dots.map(d =>
            Math.hypot(d[0] - r.dataset.x * box.width, d[1] - r.dataset.y * box.height)))) }"""
    )
    assert len(apart) > 5
    assert max(apart) < 0.5
    page.close()


def bar_of(figure: Locator) -> list[float]:
    """Where the first labelled attack begins and ends in the picture."""
    words = r"M ([\d.-]+) [\d.]+ \nL ([\d.-]+) "
    path = figure.locator("path[clip-path][style*='--attack'][style*='stroke-width: 6']").first
    found = re.match(words, path.get_attribute("d") or "")
    assert found is not None
    return [float(found[1]), float(found[2])]


def test_a_part_of_a_margin_is_looked_at_closely(browser: Browser, reported: Reported) -> None:
    page, said = opened(browser, reported.pages["run"])
    figure = page.locator("figure:has(.zooms)").first
    svg, told = figure.locator("svg"), figure.locator(".zooms output")
    before, whole = svg.inner_html(), told.text_content()
    left, right = (float(svg.get_attribute(f"data-{each}") or "") for each in ("left", "right"))
    begin, end = bar_of(figure)
    figure.locator("button[value=closer]").press("Enter")
    middle = (left + right) / 2
    assert bar_of(figure) == pytest.approx([2 * begin - middle, 2 * end - middle], abs=0.05)
    assert told.text_content() != whole
    ticks = figure.locator(".closer text").all_text_contents()
    ends = [float(each) for each in re.findall(r"[\d.]+", told.text_content() or "")]
    assert len(ticks) > 2
    assert all(ends[0] <= float(tick) <= ends[1] for tick in ticks)
    figure.locator("button[value=all]").press("Enter")
    assert (svg.inner_html(), told.text_content()) == (before, whole)
    box = svg.bounding_box()
    assert box is not None
    scale = box["width"] / float((svg.get_attribute("viewBox") or "").split()[2])
    svg.drag_to(
        svg,
        source_position={"x": scale * begin, "y": 40},
        target_position={"x": scale * end, "y": 40},
    )
    assert bar_of(figure) == pytest.approx([left, right], abs=2.0)
    assert said == []
    page.close()


def test_without_scripts_everything_is_there(browser: Browser, reported: Reported) -> None:
    page, said = opened(browser, reported.pages["run"], java_script_enabled=False)
    assert page.locator(".slider tbody tr").count() > 5
    assert page.locator(".slider input").first.is_hidden()
    assert page.locator(".zooms").first.is_hidden()
    assert page.locator("svg").first.is_visible()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_contrast_and_labels_hold_for_all(
    browser: Browser, reported: Reported, kind: str, scheme: Any
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # The page forbids scripts from elsewhere; the checker is one.
    page, _ = opened(browser, reported.pages[kind], color_scheme=scheme, bypass_csp=True)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = Axe().run(page).response["violations"]
    told = {each["id"]: [node["html"][:120] for node in each["nodes"][:3]] for each in found}
    assert told == {}
    page.close()


def test_every_picture_says_what_it_shows(browser: Browser, reported: Reported) -> None:
    page, _ = opened(browser, reported.pages["run"])
    told = page.evaluate(
        "[...document.querySelectorAll('svg')].map(s => [s.getAttribute('role'),"
        " ...s.getAttribute('aria-labelledby').split(' ').map(i =>"
        " document.getElementById(i).textContent)])"
    )
    assert all(
        role == "img" and title and any(map(str.isdigit, text)) for role, title, text in told
    )
    assert len({text for _, _, text in told}) > 10
    page.close()
