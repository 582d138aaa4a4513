"""The page of `can-train serve` in a real browser."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from can_train.cli.main import main
from can_train.frames.readers import read_recording
from can_train.serving.listing import REPORT
from tests.conftest import CHROMIUM
from tests.lab import Lab
from tests.pages import PATIENCE_S, ServedPage, candump_lines, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror='window.hacked=1'>&amp;.csv"
SCHEMES = ("light", "dark")
PATIENCE_MS = 1000 * PATIENCE_S

REPORT_HTML = """<!doctype html><title>report</title><p id=said>waiting</p><script>
const said = [];
try { said.push("cookie " + document.cookie); } catch { said.push("no cookie"); }
fetch("/live").then(() => said.push("read"), () => said.push("no fetch"))
  .then(() => { document.getElementById("said").textContent = said.join(", "); });
</script>"""


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "car.cantrain"
    artifact = str(lab.student("gat").path)
    assert main(["export", artifact, "--format", "bundle", "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def attack(lab: Lab) -> Path:
    folder = lab.home / "csv" / lab.dataset / "test_01_known_vehicle_known_attack"
    return folder / "DoS-bravo.csv"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


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
    page.on("request", lambda asked: asked.url.startswith(site.origin) or said.append(asked.url))
    yield page
    assert page.evaluate("window.hacked") is None
    context.close()
    assert said == []


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
        page.wait_for_function("document.getElementById('detail').textContent.includes('input')")
        stdin = site.process.stdin
        assert stdin is not None
        stdin.write("".join(lines[:1000]))
        stdin.flush()
        page.wait_for_function("document.querySelectorAll('#ids tr').length > 10")
        assert page.locator("#no-events").is_visible()
        stdin.write("".join(lines[1000:4000]))
        stdin.flush()
        page.locator("#verdict[data-level=alarm]").wait_for()
        page.locator("#events li .state[data-state=alarming]").wait_for()
        assert page.locator("#announcement").inner_text().startswith("Alarm: margin ")
        assert page.locator("#announcement").get_attribute("role") == "alert"
        assert page.title() == "⚠ Alarm · can-train"
        site.stop()
        page.locator("#connection", has_text="The server was stopped").wait_for()
        page.close()


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
    said = popup.value.locator("#said")
    popup.value.wait_for_function("document.getElementById('said').textContent !== 'waiting'")
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


def test_the_token_of_the_address_opens_the_page_and_leaves_the_address(
    browser: Browser, bundle: Path
) -> None:
    with served(str(bundle), "--host", "0.0.0.0") as site:
        local = f"http://127.0.0.1:{site.port}"
        context = browser.new_context(base_url=local)
        page = context.new_page()
        answer = page.goto("/score")
        assert answer is not None and answer.status == 401
        page.goto(f"/?token={site.url.partition('token=')[2]}")
        assert page.url == f"{local}/score"
        assert page.locator("h1").inner_text() == "Score a recording"
        assert page.evaluate("document.cookie") == ""
        (cookie,) = context.cookies()
        assert cookie.get("httpOnly") and cookie.get("sameSite") == "Strict"
        context.close()


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>another site</title>")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


ATTACK = """async (own) => {
  const said = [];
  for (const more of [{}, {mode: "no-cors"}, {method: "POST", body: "x"},
                      {method: "POST", body: "x", mode: "no-cors"}]) {
    try { const found = await fetch(own + "/score?name=x", more); said.push(found.type); }
    catch { said.push("refused"); }
  }
  said.push(await new Promise((resolve) => {
    const stream = new EventSource(own + "/events");
    stream.addEventListener("hello", () => resolve("heard"));
    stream.onerror = () => resolve("refused");
  }));
  const frame = document.createElement("iframe");
  frame.src = own + "/live";
  document.body.append(frame);
  await new Promise((resolve) => { frame.onload = resolve; });
  try { said.push(frame.contentDocument === null ? "foreign" : "seen"); } catch { said.push("no"); }
  return said;
}"""


def test_another_site_reads_and_sends_nothing(browser: Browser, site: ServedPage) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page = browser.new_page()
        answers: list[tuple[str, int]] = []
        page.on("response", lambda found: answers.append((found.url, found.status)))
        page.goto(f"http://localhost:{other.server_port}/")
        said = page.evaluate(ATTACK, site.origin)
        assert said == ["refused", "refused", "refused", "refused", "refused", "foreign"]
        asked = {status for url, status in answers if f":{site.port}/" in url}
        assert asked <= {403}, answers
        page.close()
        other.shutdown()
