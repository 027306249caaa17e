"""A demo that stays, a real browser, wallets that sign with the demo's keys, and the accessibility checker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.keys import read_key
from proofgrid.settings.gateway import network_key_path

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 300_000.0
WALLET = """
window.ethereum = {request: async ({method, params}) =>
  method === "eth_requestAccounts" ? [%s] : await window.signWithWallet(params[0])};
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("BROWSER"):
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="no browser: `make test-pages` runs these, with Debian's chromium"))


@dataclass(frozen=True, slots=True)
class Demo:
    """A network that stays."""

    pages: str
    folder: Path

    def key(self, who: str) -> SigningKey:
        return read_key(network_key_path(self.folder / "net") if who == "network" else self.folder / f"{who}.key")

    def sql(self, text: str) -> None:
        """Write into the gateway's database, behind its back."""
        subprocess.run([sys.executable, "-m", "tools.db", str(self.folder / "net"), "-q", "-c", text], check=True)


#: What htmx tells the console when a stream ends before its page, as when its reader signs out.
A_STREAM_ENDED = "Event"


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """`proofgrid demo --stay`, which ends with Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="pages-") as root:
        folder = Path(root) / "demo"
        command = [sys.executable, "-m", "proofgrid.cli.main", "demo", "--stay", "--json", "--data-dir", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                yield Demo(_told(process)["pages"], folder)
            finally:
                process.send_signal(signal.SIGINT)
                assert process.wait(timeout=120) == 0


def _told(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    lines = ""
    while line := process.stdout.readline():
        lines += line
        try:
            told: dict[str, str] = json.loads(lines)
        except ValueError:
            continue
        return told
    raise AssertionError(f"the demo ended: {lines}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["BROWSER"], headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """A browser that nobody used before."""
    context = browser.new_context(base_url=demo.pages, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in it; whatever it complains about on its console fails the test."""
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [one for one in complaints if "status of 4" not in one and one != A_STREAM_ENDED] == []


def sign_in(page: Page, key: SigningKey, *, to: str = "/money") -> None:
    """Let a wallet sign in with a key."""
    page.context.expose_function("signWithWallet", lambda message: key.sign(message.encode()))
    page.context.add_init_script(WALLET % json.dumps(key.address))
    page.goto(f"/sign-in?to={to}")
    page.get_by_role("button", name="Sign in with Ethereum").click()
    page.wait_for_url(lambda url: urlsplit(url).path == to)


def faults(page: Page) -> list[str]:
    """Return the serious faults that axe-core finds on a page."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url}: {one['id']} ({one['impact']}): {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
