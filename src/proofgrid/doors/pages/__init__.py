"""Pages: what a gateway shows to people, for reading without JavaScript; facts in, HTML out, nothing decided here."""
