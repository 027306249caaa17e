"""A whole network on this machine, told as a story."""
