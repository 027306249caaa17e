"""Man pages of every command, made from its help."""
