"""Several processes behind one address: a supervisor that starts them, and what it and they say to each other."""
