"""Attacks on single roles happen in a lane of a database of the test's own."""

from __future__ import annotations

from tests.roles.conftest import lane

__all__ = ["lane"]
