"""Looks at a machine for `proofgrid doctor`: facts, of which rules/diagnosis makes findings."""
