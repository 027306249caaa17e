"""A chain of one's own on this machine: anvil, EigenLayer's core, and our contracts, for trying and for tests."""
