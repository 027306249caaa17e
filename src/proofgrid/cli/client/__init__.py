"""What clients type: programs, requests, tasks, their own account and keys."""
