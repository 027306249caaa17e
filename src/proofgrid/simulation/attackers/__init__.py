"""Attackers of the live market: what each does, what it earns beyond honesty, and what the honest lose by it."""
