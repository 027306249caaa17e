import json

import pytest
import structlog

from proofgrid.telemetry.logs import configure_logs


def test_lines_of_one_of_several_processes_say_which(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json_lines=True, process=2)
    structlog.get_logger("fresh").info("something")
    configure_logs()
    structlog.get_logger("fresh").info("alone")
    structlog.reset_defaults()

    of_two, alone = capsys.readouterr().err.splitlines()
    assert json.loads(of_two)["process"] == 2
    assert "process" not in alone


def test_secrets_and_witness_data_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json_lines=True)
    structlog.get_logger("fresh").info("something", token="pg1.secret", witness=[1, 2], inputs="x", job_id="7")
    structlog.reset_defaults()

    printed = capsys.readouterr()
    line = json.loads(printed.err)
    assert printed.out == ""
    assert (line["token"], line["witness"], line["inputs"], line["job_id"]) == ("(hidden)", "(hidden)", "(hidden)", "7")
