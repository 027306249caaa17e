"""The lists of the network's keys, as its root key signed them."""

from __future__ import annotations

from proofgrid.store.queries import query

LATEST_KEY_LIST = query("latest_key_list", str)
ADD_KEY_LIST = query("add_key_list", int)
