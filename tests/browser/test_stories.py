"""What people come for, in a real browser on a real network: a proof, why nothing is sold, an incident ended."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from proofgrid.cli.demo.digits import read_digit
from tests.browser.conftest import PATIENCE_MS, Demo, faults, sign_in


def submit(page: Page, *, price: str, digit: int) -> None:
    """Fill the form of a new task."""
    page.goto("/tasks/new")
    page.get_by_label("Inputs").fill(json.dumps([read_digit(digit).model_input]))
    page.get_by_label("Limit price").fill(price)
    page.get_by_role("button", name="Submit").click()


def test_a_digit_is_submitted_watched_and_verified(page: Page, demo: Demo, tmp_path: Path) -> None:
    sign_in(page, demo.key("carol"))
    submit(page, price="1.5", digit=3)

    expect(page.get_by_role("heading", name="Time line")).to_be_visible()
    expect(page.locator(".figure .state-done")).to_be_visible(timeout=PATIENCE_MS)  # nobody loaded the page again
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the bundle").click()
    command = shlex.split(page.get_by_text("proofgrid verify").inner_text())
    download.value.save_as(tmp_path / command[2])
    page.get_by_role("link", name=re.compile(r"round \d+")).first.click()

    expect(page.get_by_role("heading", name="Both clocks")).to_be_visible()
    expect(page.locator("tr.traded").first).to_be_visible()
    page.get_by_role("button", name="Replay it in this browser").click()
    replayed = page.locator("#replay li")
    expect(replayed).to_have_count(4)
    expect(page.locator("#replay li.state-done")).to_have_count(4)
    arguments = [sys.executable, "-m", "proofgrid.cli.main", *command[1:]]
    verified = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr


def test_an_operator_reads_why_nothing_is_sold_to_it(page: Page, demo: Demo) -> None:
    client = page.context.browser.new_context(base_url=demo.pages)  # type: ignore[union-attr]
    other = client.new_page()
    sign_in(other, demo.key("carol"))
    submit(other, price="0.3", digit=5)
    expect(other.get_by_text("is the least that could buy it").first).to_be_visible(timeout=PATIENCE_MS)

    sign_in(page, demo.key("alice"), to="/provers")

    expect(page.get_by_text("the best bid that waits is 0.3 per million PU").first).to_be_visible()
    page.get_by_label("Ask, tokens per million PU").fill("100")
    page.get_by_role("button", name="Look at the last day").click()
    expect(page.get_by_role("region", name="Sales of the last day")).to_be_visible()
    other.get_by_role("button", name="Cancel this task").click()
    client.close()


def test_an_administrator_ends_an_incident(page: Page, demo: Demo) -> None:
    demo.sql("INSERT INTO incidents (kind, subject, detail) VALUES ('balance', 'escrow:test', 'two tokens too many')")
    sign_in(page, demo.key("network"), to="/admin")
    incident = page.get_by_role("region", name=re.compile("Incident"))

    expect(incident).to_contain_text("settlement is stopped")
    incident.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Why it may end").fill("two tokens were given back")
    page.get_by_role("button", name=re.compile("End incident")).click()

    page.wait_for_url("**/admin?closed=1")
    expect(page.get_by_role("region", name=re.compile("Incident"))).to_contain_text("closed")
    page.goto("/admin/audit")
    while not page.get_by_role("cell", name="CloseIncident").count():  # entries are placed a moment later
        page.wait_for_timeout(500)
        page.reload()


def test_a_key_and_a_webhook_are_made_seen_and_ended(page: Page, demo: Demo) -> None:
    sign_in(page, demo.key("carol"), to="/keys")
    page.get_by_label("What it is for").fill("backend")
    page.get_by_label("Spend a day").fill("2")
    page.get_by_role("button", name="Make the key").click()

    expect(page.get_by_role("region", name="The new key")).to_contain_text("pgk_")
    assert faults(page) == []
    page.goto("/money")
    page.get_by_label("tokens a day of backend").fill("3")
    page.get_by_label("tokens a day of backend").press("Enter")
    expect(page.get_by_role("row", name="backend").get_by_role("cell").nth(1)).to_have_text("3")
    page.get_by_label("Tell me below").fill("1000")
    page.get_by_label("Tell me below").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Your balance is low")
    assert faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Take the CSV file").click()
    assert download.value.path().read_text().startswith("at_ms,transfer_id,")
    page.goto("/keys")
    page.get_by_role("button", name="Revoke backend").click()
    expect(page.locator("li.card", has_text="backend")).to_contain_text("revoked")

    page.goto("/webhooks")
    page.get_by_label("Address").fill("https://server.example/proofs")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_role("region", name="secret")).to_contain_text("whsec_")
    page.get_by_role("link", name="https://server.example/proofs").click()
    expect(page.get_by_text("whpk_")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status")).to_contain_text("There was no answer", timeout=PATIENCE_MS)  # nobody is there
    page.get_by_role("button", name="Send again what failed").click()
    page.get_by_role("button", name="Remove this webhook").click()
    expect(page.get_by_text("No webhook yet")).to_be_visible()


def test_who_signs_out_is_nobody(page: Page, demo: Demo) -> None:
    sign_in(page, demo.key("carol"), to="/tasks")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/tasks")
    page.wait_for_url("**/sign-in?to=/tasks")
