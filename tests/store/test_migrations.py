"""Migrations: each once, in order, whole or not at all, and never against another history."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofgrid.primitives.errors import ProofgridError
from proofgrid.store.database import Database
from proofgrid.store.migrations import FUNCTIONS, MIGRATIONS, load_functions, load_migrations, migrate


def a_history(folder: Path, *statements: str) -> Path:
    """Write one migration per statement and return the directory."""
    directory = folder / "migrations"
    directory.mkdir(exist_ok=True)
    for number, statement in enumerate(statements, start=1):
        (directory / f"{number:04d}_step_{'pre' if number % 2 else 'post'}.sql").write_text(statement)
    return directory


async def migrate_once(dsn: str, directory: Path) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return await migrate(connection, directory, functions=directory / "functions")
    finally:
        await connection.close()


async def query(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def test_migrations_run_in_order_and_only_once(empty_database_dsn: str, tmp_path: Path) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int); INSERT INTO a VALUES (1);", "UPDATE a SET x = x + 41;")

    first = await migrate_once(empty_database_dsn, directory)
    second = await migrate_once(empty_database_dsn, directory)

    assert first == ["0001_step_pre.sql", "0002_step_post.sql"]
    assert second == []
    assert [row["x"] for row in await query(empty_database_dsn, "SELECT x FROM a")] == [42]


async def test_a_migration_that_fails_leaves_nothing_and_the_ones_before_stay(
    empty_database_dsn: str, tmp_path: Path
) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int);", "CREATE TABLE b (x int); SELECT 1 / 0;")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate_once(empty_database_dsn, directory)

    tables = await query(empty_database_dsn, "SELECT relname FROM pg_class WHERE relname IN ('a', 'b')")
    assert [row["relname"] for row in tables] == ["a"]
    a_history(tmp_path, "CREATE TABLE a (x int);", "CREATE TABLE b (x int);")
    assert await migrate_once(empty_database_dsn, directory) == ["0002_step_post.sql"]


async def test_gateways_that_start_at_once_apply_each_migration_once(empty_database_dsn: str, tmp_path: Path) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int);", "INSERT INTO a SELECT 1 FROM pg_sleep(0.1);")

    applied = await asyncio.gather(*(migrate_once(empty_database_dsn, directory) for _ in range(4)))

    assert sorted(len(names) for names in applied) == [0, 0, 0, 2]
    assert len(await query(empty_database_dsn, "SELECT x FROM a")) == 1


async def test_a_changed_migration_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    await migrate_once(empty_database_dsn, a_history(tmp_path, "CREATE TABLE a (x int);"))

    with pytest.raises(ProofgridError, match=r"0001_step_pre\.sql was changed"):
        await migrate_once(empty_database_dsn, a_history(tmp_path, "CREATE TABLE a (x bigint);"))


async def test_a_database_newer_than_the_code_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int);", "CREATE TABLE b (x int);")
    await migrate_once(empty_database_dsn, directory)
    (directory / "0002_step_post.sql").unlink()

    with pytest.raises(ProofgridError, match="newer than this code"):
        await migrate_once(empty_database_dsn, directory)


async def test_a_refused_run_gives_the_lock_back(empty_database_dsn: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(empty_database_dsn)
    try:
        await migrate(connection, a_history(tmp_path, "CREATE TABLE a (x int);"), functions=tmp_path)
        with pytest.raises(ProofgridError):
            await migrate(connection, a_history(tmp_path, "SELECT 2;"), functions=tmp_path)

        a_history(tmp_path, "CREATE TABLE a (x int);")
        assert await migrate_once(empty_database_dsn, tmp_path / "migrations") == []
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ["1_short_pre.sql", "0001_neither.sql", "0002_gap_pre.sql", "0001_Upper_pre.sql"])
def test_a_migration_with_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1;")

    with pytest.raises(ValueError, match=name):
        load_migrations(tmp_path)


async def test_the_projects_own_migrations_apply_to_every_test_database(database: Database) -> None:
    names = [migration.name for migration in load_migrations(MIGRATIONS)]

    async with database.connection() as connection:
        rows = await connection.raw.fetch("SELECT name FROM schema_migrations ORDER BY version")

    assert [row["name"] for row in rows] == names


async def test_a_function_is_replaced_when_its_text_changed_and_only_then(
    empty_database_dsn: str, tmp_path: Path
) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int);")
    (directory / "functions").mkdir()
    one, two = directory / "functions" / "one.sql", directory / "functions" / "two.sql"
    one.write_text("CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT two() - 1 $$;")
    two.write_text("CREATE OR REPLACE FUNCTION two() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$;")

    assert await migrate_once(empty_database_dsn, directory) == ["0001_step_pre.sql", "one.sql", "two.sql"]
    assert await migrate_once(empty_database_dsn, directory) == []
    two.write_text("CREATE OR REPLACE FUNCTION two() RETURNS int LANGUAGE sql AS $$ SELECT 22 $$;")
    assert await migrate_once(empty_database_dsn, directory) == ["two.sql"]
    assert [row["one"] for row in await query(empty_database_dsn, "SELECT one()")] == [21]


async def test_a_function_that_cannot_be_made_leaves_all_as_they_were(empty_database_dsn: str, tmp_path: Path) -> None:
    directory = a_history(tmp_path, "CREATE TABLE a (x int);")
    (directory / "functions").mkdir()
    (directory / "functions" / "one.sql").write_text(
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;"
    )
    (directory / "functions" / "two.sql").write_text("CREATE FUNCTION two() RETURNS nothing LANGUAGE sql AS $$ $$;")

    with pytest.raises(asyncpg.PostgresError):
        await migrate_once(empty_database_dsn, directory)

    assert not await query(empty_database_dsn, "SELECT FROM pg_proc WHERE proname = 'one'")
    assert not await query(empty_database_dsn, "SELECT FROM schema_functions")


def test_a_functions_file_makes_the_function_that_it_is_named_after(tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text("CREATE FUNCTION two() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$;")

    with pytest.raises(ValueError, match=r"one\.sql"):
        load_functions(tmp_path)


async def test_every_function_of_the_database_is_the_text_of_its_file_and_fits_the_tables(database: Database) -> None:
    texts = {Path(function.name).stem: function.sql for function in load_functions(FUNCTIONS)}

    async with database.unhurried_connection() as connection:
        rows = await connection.fetch("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        for sql in texts.values():
            await connection.execute(sql)  # with its body held against the tables this time

    assert {row["proname"] for row in rows} == set(texts)
    assert all(f"$${row['prosrc']}$$" in texts[row["proname"]] for row in rows)
