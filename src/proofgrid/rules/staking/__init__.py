"""Bonds of operators: how much work they carry, when a part is taken, and what proves that it was taken rightly."""
