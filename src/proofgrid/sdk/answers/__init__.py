"""What a network answers, as frozen values: a file for each subject, and reading.py, which makes them of messages."""
