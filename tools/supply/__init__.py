"""What the project is made of: every package of every lock file, under which licence, with which hash."""
