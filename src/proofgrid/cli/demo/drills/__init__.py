"""Drills: an incident caused for real in a scratch network, its act waited for and measured, its end brought about."""
