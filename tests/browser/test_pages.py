"""Every page in a real browser: no serious fault of accessibility, no page wider than a phone, readable as it is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE_MS, Demo, faults, sign_in

PUBLIC = ("/", "/market", "/operators", "/systems", "/sign-in", "/nothing")
OWN = {
    "carol": ("/tasks", "/tasks/new", "/money", "/keys", "/webhooks"),
    "alice": ("/provers", "/money"),
    "network": tuple(
        f"/admin{rest}" for rest in ("", "/dead-letters", "/quarantines", "/subnetworks", "/treasury", "/audit")
    ),
}
SCHEMES = (("light", 1280), ("dark", 390))


def inner_pages(page: Page) -> list[str]:
    """Return the pages of a lane, a round and an operator, as links lead there."""
    found = []
    page.goto("/market")
    lane = page.locator("tbody th a").first.get_attribute("href") or ""
    page.goto(lane)
    found += [lane, page.locator("tbody th a").first.get_attribute("href") or ""]
    page.goto("/operators")
    return [*found, page.locator("tbody th a").first.get_attribute("href") or ""]


def look_at(page: Page, path: str) -> list[str]:
    """Return what is wrong with a page, at both widths and in both schemes."""
    wrong = []
    for scheme, width in SCHEMES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(path)
        wrong += faults(page)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong.append(f"{path} is {wide} wide at {width}")
    return wrong


def test_public_pages_have_no_serious_fault(page: Page) -> None:
    assert [fault for path in (*PUBLIC, *inner_pages(page)) for fault in look_at(page, path)] == []


@pytest.mark.parametrize("who", OWN)
def test_own_pages_have_no_serious_fault(page: Page, demo: Demo, who: str) -> None:
    sign_in(page, demo.key(who))

    wrong = [fault for path in OWN[who] for fault in look_at(page, path)]
    if who == "carol":
        page.goto("/tasks")
        wrong += look_at(page, page.locator("tbody th a").first.get_attribute("href") or "")

    assert wrong == []


def test_pages_are_read_without_scripts(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.pages, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()

    page.goto("/")
    page.get_by_role("heading", name=re.compile("ezkl")).get_by_role("link").first.click()
    expect(page.locator("figure.chart svg")).to_be_visible()
    page.locator("tbody th a").first.click()

    expect(page.get_by_role("heading", name=re.compile(r"Round \d+"))).to_be_visible()
    expect(page.locator("figure.chart svg").first).to_be_visible()
    expect(page.get_by_text("proofgrid market replay")).to_be_visible()
    context.close()


def test_a_price_can_be_read_off_under_the_pointer(page: Page) -> None:
    page.goto(inner_pages(page)[0])

    drawn = page.locator("figure.chart .uplot")

    if drawn.count():  # of one round there is nothing to draw
        expect(drawn).to_be_visible()


def test_the_keyboard_leads_to_the_content(page: Page) -> None:
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_a_page_is_fresh_without_being_loaded_again(context: BrowserContext, page: Page, demo: Demo) -> None:
    page.goto("/")
    shown = page.locator(".figure", has_text="Jobs that wait").locator(".big")
    before = shown.inner_text()
    page.evaluate("window.stayed = true")

    sign_in(context.new_page(), demo.key("carol"), to="/tasks/new")
    other = context.pages[-1]
    other.get_by_label("Inputs").fill("[[0]]")
    other.get_by_role("button", name="Submit").click()
    expect(other.get_by_role("alert")).to_contain_text("PG-")  # a digit has 64 pixels
    other.get_by_label("Inputs").fill(f"[{[0.5] * 64}]")
    other.get_by_label("Limit price").fill("0.3")
    other.get_by_role("button", name="Submit").click()
    expect(other.get_by_text("Cancel this task")).to_be_visible()

    expect(shown).not_to_have_text(before, timeout=PATIENCE_MS)
    assert page.evaluate("window.stayed")
    other.get_by_role("button", name="Cancel this task").click()
    expect(other.locator(".state-cancelled").first).to_be_visible()
