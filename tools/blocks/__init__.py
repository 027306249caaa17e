"""The commands in documents: which there are, and running them from the first to the last."""
