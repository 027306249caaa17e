"""The anchor: what holds a network to a chain. It reads stake, asks for slashes, and sends; a process of its own.

It is the only role that knows a chain, so gateways need nothing of one: they read what it writes in the database.
"""
