"""The secret in a prover's folder: made once, for its owner's eyes, mended when it was torn."""

from __future__ import annotations

from pathlib import Path

from proofgrid.roles.prover.session_secret import FILE_NAME, SessionSecret
from proofgrid.rules.access.sessions import CallId
from tests.makers import a_key

CALL = CallId(operator=a_key(1).address, network=a_key(2).address, gateway="gateway.example", nonce="0" * 32)


def said_by(secret: SessionSecret) -> tuple[str, str]:
    signed = secret.sign(name="p", call=CALL)
    return signed.key, signed.run


def test_a_folder_keeps_its_secret_and_every_process_is_another_run(tmp_path: Path) -> None:
    first, second = (said_by(SessionSecret.of_folder(tmp_path / "p")) for _ in range(2))

    assert first[0] == second[0]
    assert first[1] != second[1]
    assert (tmp_path / "p" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    assert len({said_by(SessionSecret.of_folder(tmp_path / name))[0] for name in ("a", "b")}) == 2


def test_a_secret_that_others_could_read_is_closed(tmp_path: Path) -> None:
    before = said_by(SessionSecret.of_folder(tmp_path))
    (tmp_path / FILE_NAME).chmod(0o644)

    assert said_by(SessionSecret.of_folder(tmp_path))[0] == before[0]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_torn_secret_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("")

    made = said_by(SessionSecret.of_folder(tmp_path))

    assert said_by(SessionSecret.of_folder(tmp_path))[0] == made[0]
