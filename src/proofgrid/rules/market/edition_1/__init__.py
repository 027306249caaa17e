"""The rules of rounds until December 2026, frozen: nothing but the replay of their records (version 2) uses them.

Orders were in units, a slot held the largest waiting job, and what a lane left unsold came down to the lanes below it
(docs/decisions/0012). The clearing itself is that of today.
"""
