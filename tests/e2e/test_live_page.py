"""The page of `can-train serve` in a real browser."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from can_train.frames.readers import read_recording
from can_train.serving.listing import REPORT
from tests.browser import chromium
from tests.lab import Lab
from tests.pages import (
    PATIENCE_S,
    ServedPage,
    attack_of,
    candump_lines,
    exported,
    served,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror='window.hacked=1'>&amp;.csv"
SCHEMES = ("light", "dark")
REFUSED = "status of 422"
"""What the console says of a recording that can't be read."""

PATIENCE_MS = 1000 * PATIENCE_S

REPORT_HTML = """<!doctype html><title>report</title><p id=said>waiting</p><script>
const said = [];
try { said.push("cookie " + document.cookie); } catch { said.push("no cookie"); }
fetch("/live").then(() => said.push("read"), () => said.push("no fetch"))
  .then(() => { document.getElementById("said").textContent = said.join(", "); });
</script>"""


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(lab, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def attack(lab: Lab) -> Path:
    return attack_of(lab)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(lab: Lab, bundle: Path, attack: Path, tmp_path_factory: pytest.TempPathFactory):
    """Everything there is: a stream that has come to its alarm, uploads, and runs with a report."""
    (lab.run_of(lab.config("gat")) / REPORT).write_text(REPORT_HTML)
    hostile = tmp_path_factory.mktemp("recordings") / HOSTILE
    hostile.write_bytes(attack.read_bytes())
    words = [str(bundle), "--replay", str(hostile), "--speed", "3", "--runs"]
    with served(*words, "--experiment-root", str(lab.experiments)) as page:
        for name, data in page.events():
            if name == "status" and data["state"] == "over":
                break
        yield page


@pytest.fixture
def opened(browser: Browser, site: ServedPage) -> Iterator[Page]:
    """A page that isn't anywhere yet; what its console says, and what it asks elsewhere, fails."""
    context = browser.new_context(base_url=site.origin)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    def outside(asked: Request) -> None:
        if not asked.url.startswith(site.origin):
            said.append(asked.url)

    page.on("request", outside)
    yield page
    assert page.evaluate("window.hacked") is None
    context.close()
    assert [line for line in said if REFUSED not in line] == []


def overflow(page: Page) -> int:
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def test_the_alarm_of_a_replay_is_there_with_line_ids_and_counters(opened: Page) -> None:
    opened.goto("/live")
    entry = opened.locator("#events li").first
    entry.wait_for()
    assert opened.locator("#level").inner_text() == "Over"
    assert HOSTILE in opened.locator("#detail").inner_text()
    assert opened.locator("img").count() == 0
    assert "over after" in entry.inner_text() and "margin" in entry.inner_text()
    rows = opened.locator("#ids tr")
    rows.first.wait_for()
    assert rows.count() > 20
    assert opened.locator("#alarms").inner_text() == "1"
    path = opened.locator("#line path.curve").get_attribute("d")
    assert path is not None and path.count("L") > 5
    assert opened.locator("#line .alarm-mark").count() == 1
    words = opened.locator("#line-text").inner_text()
    assert words.startswith("Last ") and "threshold" in words
    assert opened.locator("#line").get_attribute("aria-labelledby") == "line-title line-text"


def test_an_alarm_is_announced_when_it_comes(browser: Browser, bundle: Path, attack: Path) -> None:
    lines = candump_lines(read_recording(attack).frames).splitlines(keepends=True)
    with served(str(bundle), "--replay", "-", stdin=subprocess.PIPE) as site:
        page = browser.new_page(base_url=site.origin)
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/live")
        page.locator("#detail", has_text="input").wait_for()
        stdin = site.process.stdin
        assert stdin is not None
        stdin.write("".join(lines[:250]))
        stdin.flush()
        page.locator("#ids tr").nth(10).wait_for()
        assert page.locator("#verdict[data-level=alarm]").count() == 0
        assert page.locator("#announcement").inner_text() == ""
        stdin.write("".join(lines[250:4000]))
        stdin.flush()
        page.locator("#verdict[data-level=alarm]").wait_for()
        page.locator("#events li .state[data-state=alarming]").wait_for()
        assert page.locator("#announcement").inner_text().startswith("Alarm: margin ")
        assert page.locator("#announcement").get_attribute("role") == "alert"
        assert page.title() == "⚠ Alarm · can-train"
        site.stop()
        page.locator("#connection", has_text="The server was stopped").wait_for()
        page.close()


def test_what_has_ended_is_told_as_it_ended(browser: Browser, bundle: Path, attack: Path) -> None:
    with served(str(bundle), "--replay", "-", stdin=subprocess.PIPE) as site:
        page = browser.new_page(base_url=site.origin)
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/live")
        stdin = site.process.stdin
        assert stdin is not None
        stdin.write(candump_lines(read_recording(attack).frames))
        stdin.close()
        page.locator("#verdict[data-level=over]").wait_for()
        margin, p_value = (page.locator(each).inner_text() for each in ("#margin", "#p-value"))
        assert f"margin now {margin}," in page.locator("#line-text").inner_text()
        page.reload()
        page.locator("#verdict[data-level=over]").wait_for()
        assert page.locator("#margin").inner_text() == margin
        assert page.locator("#p-value").inner_text() == p_value != "–"
        page.close()
        site.process.stdin = None


def test_the_table_is_sorted_and_the_page_paused_by_keyboard(opened: Page) -> None:
    opened.goto("/live")
    opened.locator("#ids tr").first.wait_for()
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    rate = opened.get_by_role("button", name="Frames/s")
    rate.focus()
    opened.keyboard.press("Enter")
    assert rate.locator("xpath=..").get_attribute("aria-sort") == "descending"
    rates = [float(text) for text in opened.locator("#ids tr td:nth-child(2)").all_inner_texts()]
    assert rates == sorted(rates, reverse=True)
    pause = opened.locator("#pause")
    pause.focus()
    opened.keyboard.press("Space")
    assert (pause.inner_text(), pause.get_attribute("aria-pressed")) == ("Go on", "true")


def test_an_upload_shows_its_events_and_a_broken_one_its_readers_words(
    opened: Page, attack: Path, tmp_path: Path
) -> None:
    good, broken = tmp_path / HOSTILE, tmp_path / "b<b>roken.csv"
    good.write_bytes(attack.read_bytes())
    opened.goto("/score")
    opened.set_input_files("#file", good)
    opened.get_by_role("button", name="Score").click()
    opened.locator("#result section").first.wait_for()
    assert opened.locator("#result h2").first.inner_text() == HOSTILE
    assert opened.locator("#result .found").inner_text() == "1 alarm"
    assert opened.locator("#result tbody tr").count() == 1
    assert opened.locator("#result path.curve").count() == 1
    broken.write_bytes(attack.read_bytes()[:3000] + b"\n1,<script>window.hacked=1</script>\n")
    opened.evaluate("document.getElementById('form').dataset.mostMb = '0.1'")
    opened.get_by_role("button", name="Score").click()
    assert "larger than 0.1 MB" in opened.locator("#problem").inner_text()
    opened.evaluate("document.getElementById('form').dataset.mostMb = '10'")
    opened.set_input_files("#file", broken)
    with opened.expect_response("**/score?**") as answer:
        opened.get_by_role("button", name="Score").click()
    assert answer.value.status == 422
    opened.locator("#problem:not([hidden])").wait_for()
    assert opened.locator("#problem").inner_text().startswith(f"{broken.name}:")
    assert opened.locator("#result section").count() == 0
    assert opened.locator("script:not([src])").count() == 0


def test_a_report_runs_without_an_origin(lab: Lab, opened: Page) -> None:
    run = lab.run_of(lab.config("gat"))
    opened.goto("/runs")
    assert opened.locator("th code").all_inner_texts() == [run.name]
    with opened.expect_popup() as popup:
        opened.get_by_role("link", name="Report").click()
    said = popup.value.locator("#said", has_text=re.compile("fetch|read"))
    said.wait_for()
    assert said.inner_text() == "no cookie, no fetch"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [360, 1440])
def test_pages_have_contrast_labels_and_room(
    browser: Browser, site: ServedPage, attack: Path, scheme: Any, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        base_url=site.origin, color_scheme=scheme, viewport={"width": width, "height": 800},
        bypass_csp=True, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    for path in ("/live", "/score", "/runs"):
        page.goto(path)
        if path == "/live":
            page.locator("#ids tr").first.wait_for()
            page.locator("#line path.curve").wait_for()
        if path == "/score" and width == 360:
            page.set_input_files("#file", attack)
            page.get_by_role("button", name="Score").click()
            page.locator("#result section").first.wait_for()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert overflow(page) <= 0, path
    context.close()
