"""What administrators type: access, money, storage, and what went wrong."""
