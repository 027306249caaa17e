"""Where environments that were installed before the move still look for ezkl; goes when all are installed anew."""

from proofgrid.proofs.systems.ezkl.adapter import EzklProofSystem

__all__ = ["EzklProofSystem"]
