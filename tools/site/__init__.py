"""The documentation as a site: what docs/ has, arranged for readers, and references made from the code."""
