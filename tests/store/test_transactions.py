"""The list of crash points is complete: nothing is written outside a named transaction, and every name is used."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofgrid.store.access import GRANT_ROLE, REVOKE_ROLE, ROLES_OF
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction

SOURCE = Path(__file__).parents[2] / "src" / "proofgrid"
TREES = {
    str(path.relative_to(SOURCE)): ast.parse(path.read_text())
    for path in sorted(SOURCE.rglob("*.py"))
    if not path.is_relative_to(SOURCE / "wire" / "v1")
}

#: Who may begin transactions without a name: the pool itself, and migrations, which run before anything else.
BEGINNERS = {"store/database.py", "store/migrations.py"}
#: Who may connect to PostgreSQL: the pool, the listener, the bootstrap that migrates, and who examines a machine.
CONNECTORS = {"store/database.py", "store/listener.py", "store/looking.py", "bootstrap/gateway/adapters.py"}
#: Functions of PostgreSQL that do something; those of our own that write are found in the database.
ACTIONS = {"pg_notify", "set_config", "nextval", "setval", "pg_try_advisory_lock", "pg_advisory_lock"} | {
    "pg_advisory_unlock",
    "pg_try_advisory_xact_lock",
    "pg_advisory_xact_lock",
}
ASKING = {"fetch", "first", "value", "run"}
WRITES = re.compile(r"\b(insert|update|delete|merge|truncate|lock|notify)\b", re.IGNORECASE)


def calls_of(*methods: str) -> Iterator[tuple[str, ast.Call, ast.Attribute]]:
    """Every call of a method of one of these names, with the file it stands in."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                yield file, node, node.func


def named_transaction(call: ast.Call) -> str | None:
    """The X of `Transaction.X`, if that is a call's first argument."""
    match call.args[:1]:
        case [ast.Attribute(value=ast.Name(id="Transaction"), attr=name)]:
            return name
    return None


def _declared() -> dict[str, str]:
    found: dict[str, str] = {}
    for file, tree in TREES.items():
        for node in tree.body if file.startswith("store/") else ():
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=constant)],
                    value=ast.Call(func=ast.Name(id="query"), args=[ast.Constant(value=str(name)), *_]),
                ):
                    assert constant not in found, f"{constant} is declared twice"
                    found[constant] = name
    return found


#: Constant -> name of its query.
CONSTANTS = _declared()


def query_name(node: ast.AST) -> str | None:
    """The x of `X`, where `X = query("x", …)`."""
    match node:
        case ast.Name(id=constant) | ast.Attribute(attr=constant):
            return CONSTANTS.get(constant)
    return None


def is_database(node: ast.expr) -> bool:
    """Is it `database` or `something._database`?"""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.lstrip("_") == "database"


# --- every write has a name ---------------------------------------------------------------------------


def test_every_transaction_and_every_single_write_names_itself_and_every_name_is_used() -> None:
    used = set()
    for file, call, method in calls_of("transaction", "write"):
        name = named_transaction(call)
        if name is not None:
            used.add(name)
        elif method.attr == "transaction":
            assert file in BEGINNERS, f"{file}:{call.lineno} begins a transaction without a name"
        else:
            assert not is_database(method.value), f"{file}:{call.lineno} writes without a name"
            assert not any(query_name(argument) for argument in call.args), f"{file}:{call.lineno} writes"
    assert used == set(Transaction.__members__)


def test_nobody_has_another_way_into_the_database() -> None:
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id="asyncpg"), attr="connect" | "create_pool"):
                    assert file in CONNECTORS, f"{file}:{node.lineno}"
                case ast.Attribute(attr="_pool" | "_acquired", value=value) if is_database(value):
                    raise AssertionError(f"{file}:{node.lineno} reaches around the transactions")


# --- connections for reading only read ----------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """What is done with a connection for reading."""

    where: str
    query: str | None  #: None for anything but a named query


def readings() -> Iterator[Use]:
    """Every use of a connection that `connection()` or `snapshot()` gave."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncWith) and file != "store/database.py":
                for item in node.items:
                    match item:
                        case ast.withitem(
                            context_expr=ast.Call(func=ast.Attribute(attr="connection" | "snapshot" as method)),
                            optional_vars=ast.Name(id=name),
                        ):
                            # A snapshot may be handed on: PostgreSQL itself refuses to write in it, everywhere.
                            for use in _uses(file, node, name):
                                if use.query is not None or method == "connection":
                                    yield use


def _readers() -> dict[str, tuple[str, ast.AsyncFunctionDef]]:
    return {
        node.name: (file, node)
        for file, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef) and node.args.args and node.args.args[0].arg == "connection"
    }


#: Functions that ask on the connection that they are given, and where they stand.
READERS = _readers()


def _uses(file: str, block: ast.AST, name: str) -> Iterator[Use]:
    asked: dict[int, str | None] = {}
    for node in ast.walk(block):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=found) as used, attr=method), args=[query, *_]) if (
                found == name and method in ASKING
            ):
                asked[id(used)] = query_name(query) or _passed_on(file, query)
            case ast.Call(func=ast.Name(id=reader), args=[ast.Name(id=found) as used, *_]) if (
                found == name and reader in READERS
            ):
                asked[id(used)] = "database_time"
                yield from _uses(*READERS[reader], "connection")
            case ast.Attribute(value=ast.Name(id=found) as used, attr="is_closed") if found == name:
                asked[id(used)] = "database_time"  # reads nothing at all
    for node in ast.walk(block):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield Use(f"{file}:{node.lineno}", asked.get(id(node)))


def _passed_on(file: str, query: ast.expr) -> str | None:
    """`query` where it is the argument of a helper: then what its callers pass is looked at (`PASSED`)."""
    return f"{file}:{query.id}" if isinstance(query, ast.Name) else None


#: Helpers that read whatever query they are given, and their names.
HELPERS = {"store/retention.py:query": "_digests"}


def queries_read() -> dict[str, str]:
    """Name of every query asked on a connection for reading, with a place where it is."""
    asked: dict[str, str] = {}
    for use in readings():
        assert use.query is not None, f"{use.where}: a connection for reading is used for something else"
        if use.query in HELPERS:
            asked |= dict(_given_to(use.query))
        else:
            asked[use.query] = use.where
    return asked


def _given_to(helper: str) -> Iterator[tuple[str, str]]:
    for file, call, _ in calls_of(HELPERS[helper]):
        name = query_name(call.args[0])
        assert name is not None, f"{file}:{call.lineno} reads a query without a name"
        yield name, f"{file}:{call.lineno}"


async def what_writes(database: Database) -> dict[str, str]:
    """The named queries that change or lock something, and how: PostgreSQL's own plans say so."""
    async with database.connection() as connection:
        functions = await connection.raw.fetch(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        actions = ACTIONS | {row["proname"] for row in functions if WRITES.search(row["prosrc"])}
        found = {}
        for name, text in QUERIES.items():
            how = await _how_it_writes(connection, re.sub(r"--.*", "", text).strip(), actions)
            if how:
                found[name] = how
    return found


async def _how_it_writes(connection: Any, sql: str, actions: set[str]) -> str:
    called = set(re.findall(r"\b(\w+)\s*\(", sql)) & actions
    if called:
        return f"calls {sorted(called)}"
    try:
        explained = await connection.raw.prepare(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {sql}")
    except asyncpg.PostgresSyntaxError:
        return "is a command"  # only queries have plans; LOCK TABLE has none
    plan = json.dumps(await explained.fetchval(*(None for _ in explained.get_parameters())))
    return next((step for step in ("ModifyTable", "LockRows") if f'"{step}"' in plan), "")


async def test_what_is_asked_on_a_connection_for_reading_only_reads(database: Database) -> None:
    writing = await what_writes(database)
    asked = queries_read()

    assert len(asked) > 30
    assert {"finish_tasks", "lock_task", "wake_lanes", "post_transfers", "lock_artifacts_for_retention"} <= set(writing)
    assert not {asked[name]: (name, how) for name, how in writing.items() if name in asked}


async def test_under_a_crash_hook_postgres_itself_refuses_to_write_on_a_connection_for_reading(
    database: Database,
) -> None:
    reached: list[str] = []
    database.on_boundary = reached.append

    async with database.connection() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.run(GRANT_ROLE, address="0x1", role="client", label="label")
    await database.write(Transaction.CHANGE_ROLES, GRANT_ROLE, address="0x1", role="client", label="label")
    async with database.transaction(Transaction.CHANGE_ROLES) as connection:
        await connection.run(REVOKE_ROLE, address="0x1", role="client")

    assert reached == ["change_roles:before", "change_roles:after"] * 2


async def test_a_transaction_that_fails_reaches_neither_of_its_points(database: Database) -> None:
    reached: list[str] = []
    database.on_boundary = reached.append

    with pytest.raises(ZeroDivisionError):
        async with database.transaction(Transaction.CHANGE_ROLES) as connection:
            await connection.run(GRANT_ROLE, address="0x1", role="client", label="label")
            raise ZeroDivisionError
    async with database.connection() as connection:
        rows = await connection.fetch(ROLES_OF, address="0x1")

    assert (reached, rows) == ([], [])
