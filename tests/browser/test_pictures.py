"""Pictures of every page at both widths, in both schemes: `make pictures` takes them, and the four of the README."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from proofgrid.cli.demo.digits import read_digit
from tests.browser.conftest import PATIENCE_MS, Demo, sign_in
from tests.browser.test_pages import OWN, PUBLIC, inner_pages

FOLDER = Path(os.environ.get("PICTURES", ""))
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
HEIGHTS = {"network": (1280, 760), "round": (1280, 1080), "task": (1280, 760), "phone": (390, 844)}
OF_README = Path(__file__).parents[2] / "docs" / "pages"

pytestmark = pytest.mark.skipif(not os.environ.get("PICTURES"), reason="`make pictures` takes them")


def take(page: Page, path: str, name: str) -> None:
    """Take a page as it is at each width and in each scheme."""
    page.goto(path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-") or "network"


def test_pictures_of_public_pages(page: Page) -> None:
    for name, path in zip(("lane", "round", "operator"), inner_pages(page), strict=True):
        take(page, path, name)
    for path in PUBLIC:
        take(page, path, name_of(path))


@pytest.mark.parametrize("who", OWN)
def test_pictures_of_own_pages(page: Page, demo: Demo, who: str) -> None:
    sign_in(page, demo.key(who))
    if who == "carol":
        _live(page)
    if who == "network":
        demo.sql(
            "INSERT INTO incidents (kind, subject, detail) VALUES ('balance', 'escrow:test', 'two tokens too many')"
        )
    for path in OWN[who]:
        take(page, path, f"{who}-{name_of(path)}")
    if who == "network":
        page.goto("/admin")
        take(page, page.locator("section.card h2 a").first.get_attribute("href") or "", "network-incident")


def _live(page: Page) -> None:
    """Make what a client has after a while: a key, a webhook, an amount that is low, a task."""
    page.goto("/keys")
    page.get_by_label("What it is for").fill("billing")
    page.get_by_label("Spend a day").fill("2")
    page.get_by_role("button", name="Make the key").click()
    page.goto("/money")
    page.get_by_label("Tell me below").fill("2.5")
    page.locator("form", has=page.get_by_label("Tell me below")).get_by_role("button").click()
    page.goto("/webhooks")
    page.get_by_label("Address").fill("https://server.example/proofs")
    page.get_by_role("button", name="Make the webhook").click()
    page.get_by_role("link", name="https://server.example/proofs").click()
    page.get_by_role("button", name="Send a test").click()
    take(page, page.url.removesuffix("/test"), "carol-webhook")
    page.goto("/tasks/new")
    page.get_by_label("Inputs").fill(json.dumps([read_digit(3).model_input, read_digit(5).model_input]))
    page.get_by_label("Limit price").fill("1.5")
    page.get_by_role("button", name="Submit").click()
    take(page, page.url, "carol-task-open")
    expect(page.locator(".figure .state-done")).to_be_visible(timeout=PATIENCE_MS)
    take(page, page.url, "carol-task-done")


def test_pictures_of_the_readme() -> None:
    for mine, theirs in {
        "network-1280-light": "network",
        "round-1280-light": "round",
        "carol-task-done-1280-dark": "task",
        "carol-task-done-390-light": "phone",
    }.items():
        width, height = HEIGHTS[theirs]
        with Image.open(FOLDER / f"{mine}.png") as picture:
            shown = picture.crop((0, 0, width, min(height, picture.height)))
            shown.quantize(128).save(OF_README / f"{theirs}.png", optimize=True)
