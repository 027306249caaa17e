"""A gateway: built out of settings (adapters, roles, door, what it listens to), then run, drained and left."""
