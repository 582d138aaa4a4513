"""The page of `can-train serve` in a real browser: tokens, and what another site may do."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium
from tests.lab import Lab
from tests.pages import attack_of, exported, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def bundle(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(lab, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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


def test_another_site_reads_and_sends_nothing(browser: Browser, lab: Lab, bundle: Path) -> None:
    words = [str(bundle), "--replay", str(attack_of(lab))]
    with (
        served(*words) as site,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as other,
    ):
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
