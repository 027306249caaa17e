"""Worker processes that carry out calls, one at a time each: what runs there, what they hold, whose turn it is."""
