"""How a chain is followed and asked: what still counts after a reorganisation, and a transaction from wish to final."""
