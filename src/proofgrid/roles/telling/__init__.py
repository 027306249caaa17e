"""Tells whoever watches the network of its incidents, by the ways that its gateways were told."""
