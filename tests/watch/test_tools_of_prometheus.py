"""What is checked in is taken by Prometheus's and Alertmanager's own tools, and the rules fire when they should."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tools.watch.files import DEPLOY, ROOT

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="apt-get install prometheus")
needs_amtool = pytest.mark.skipif(not shutil.which("amtool"), reason="apt-get install prometheus-alertmanager")


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_rules_and_configuration() -> None:
    run("promtool", "check", "rules", str(DEPLOY / "prometheus" / "rules.yml"))
    run("promtool", "check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))


@pytest.mark.thorough
@needs_promtool
def test_alerts_fire_when_they_should_and_not_before() -> None:
    run("promtool", "test", "rules", "tests/watch/rules_test.yml")


@needs_amtool
def test_amtool_takes_the_configuration_and_pages_go_to_whom_they_should() -> None:
    config = str(DEPLOY / "alertmanager" / "alertmanager.yml")
    run("amtool", "check-config", config)
    for severity, receiver in (("page", "on-call"), ("ticket", "tickets")):
        run("amtool", "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receiver}",
            f"severity={severity}")  # fmt: skip
