import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.telemetry import logs, redaction
from proofgrid.telemetry.acting import Act, acting
from proofgrid.telemetry.logs import LINES_MAX, WINDOW_SECONDS, configure_logs
from proofgrid.telemetry.redaction import hide, redacted


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
    structlog.get_logger("fresh").info("something", token="pg2.secret", witness=[1, 2], inputs="x", job_id="7")
    structlog.reset_defaults()

    printed = capsys.readouterr()
    line = json.loads(printed.err)
    assert printed.out == ""
    assert (line["token"], line["witness"], line["inputs"], line["job_id"]) == ("(hidden)", "(hidden)", "(hidden)", "7")


SECRETS = {
    "dsn": "postgresql://proofgrid:hunter2-of-postgres@db.example:5432/proofgrid",
    "dsn of words": "host=db.example password=hunter2-of-postgres user=x",
    "url": "https://bucket.example/x?X-Amz-Signature=hunter2abc&X-Amz-Expires=5",
    "url with a key": "https://rpc.example/v1?api_key=hunter2key&x=1",
    "token": "pg2.eyJodW50ZXIyIjoxfQ.0xdeadbeef00",
    "token of before": "pg1.eyJodW50ZXIyIjoxfQ.0xdeadbeef00",
    "header": "Bearer hunter2hunter2",
    "json": '{"password": "hunter2", "x": 1}',
    "known value": "hunter2-known-value",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("json_lines", [True, False])
def test_secrets_are_known_by_their_form_and_value_wherever_they_stand(
    capsys: pytest.CaptureFixture[str], text: str, json_lines: bool
) -> None:
    hide("hunter2-known-value")
    configure_logs(json_lines=json_lines)
    log = structlog.get_logger("fresh")
    log.info("told", detail=text, nested={"list": [{"deep": (text,)}]}, error=ValueError(text))
    try:
        raise OSError(text)
    except OSError:
        log.exception(f"failed with {text}")
    structlog.reset_defaults()
    printed = capsys.readouterr().err
    assert "hunter2" not in printed
    assert "eyJodW50ZXIyIjoxfQ" not in printed
    assert "(hidden)" in printed


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "ab" * 32,
        "sha256:" + "cd" * 32,
        "grpcs://gateway.example:7400",
        "token expired",
        "signature of 3 proofs",
        "a: b",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@given(st.text())
def test_any_text_can_be_redacted_twice(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_lines_about_a_call_say_who_called_from_where(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(json_lines=True)
    act = Act("Grant", "ipv4:192.0.2.7:1", dict)
    act.by = "0x1"
    with acting(act):
        structlog.get_logger("fresh").info("call_refused", code="PG-1")
    structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err)
    assert (line["caller"], line["peer"]) == ("0x1", "ipv4:192.0.2.7:1")


def test_strangers_cannot_fill_the_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(logs, "monotonic", lambda: now[0])
    configure_logs(json_lines=True)
    log = structlog.get_logger("fresh")
    with acting(Act("Grant", "", dict)):
        for _ in range(10 * LINES_MAX):
            log.error("call_failed")
        log.info("something_else")
        now[0] += WINDOW_SECONDS
        log.error("call_failed")
    log.error("call_failed")  # nobody's call
    structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == LINES_MAX + 3
    assert lines[-2]["lines_left_out"] == 9 * LINES_MAX
    assert lines[-3]["event"] == "something_else"


def test_secrets_of_the_environment_are_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a1b2c3d4e5f6")
    configure_logs(json_lines=True)
    structlog.get_logger("fresh").info("told", reason="the store says a1b2c3d4e5f6 is wrong")
    structlog.reset_defaults()
    assert "a1b2c3d4e5f6" not in capsys.readouterr().err


@given(
    st.lists(
        st.sampled_from(
            (
                *("pg1.", "pg2.", "abc", ".0xab", "Bearer ", "baSic ", "://", "me:", "pw@", "=", ": ", '"', "toKen"),
                *("api_key", "pa\u017f\u017fword", "x" * 8, " ", "PASSPHRASE", "a signature", "credential"),
            )
        ),
        max_size=12,
    ).map("".join)
)
def test_texts_without_a_hint_of_a_secret_need_no_form(text: str) -> None:
    plain = text
    for form, instead in redaction._FORMS:
        plain = form.sub(instead, plain)
    assert redacted(text) == plain
