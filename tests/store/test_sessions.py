"""Sessions whose streams are gone are closed, those that have just come are not."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from proofgrid.store.database import Database
from proofgrid.store.leases import CLOSE_SESSIONS_WITHOUT_STREAM
from proofgrid.store.sessions import OPEN_SESSION, REGISTER_PROVER
from proofgrid.store.transactions import Transaction
from tests.makers import a_session

GATEWAY = UUID(int=1)


@pytest.mark.parametrize(("age_ms", "is_open"), [(0, True), (60_000, False)])
async def test_a_session_that_opened_while_the_list_of_streams_was_on_its_way_stays_open(
    database: Database, age_ms: int, is_open: bool
) -> None:
    session_id = uuid4()
    async with database.transaction(Transaction.OPEN_SESSION) as connection:
        await connection.run(REGISTER_PROVER, prover_id="0x1/p", operator="0x1")
        await connection.run(OPEN_SESSION, **a_session(session_id, "0x1/p", GATEWAY))
        await connection.raw.execute("UPDATE sessions SET opened_ms = opened_ms - $1", age_ms)

        await connection.run(CLOSE_SESSIONS_WITHOUT_STREAM, gateway_id=GATEWAY, session_ids=[], grace_ms=1_000)

        assert await connection.raw.fetchval("SELECT open FROM sessions") == is_open
