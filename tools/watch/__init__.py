"""What is made of the table of metrics, and checked in."""
