"""Commands for whoever stakes on a chain, or wants to try it."""
