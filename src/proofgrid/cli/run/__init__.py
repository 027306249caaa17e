"""What keeps running: a gateway, a prover."""
