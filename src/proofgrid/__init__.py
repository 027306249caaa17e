"""proofgrid: a network that proves things, and sells the proving in a truthful double auction."""

__version__ = "0.1.0"
