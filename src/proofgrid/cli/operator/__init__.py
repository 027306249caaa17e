"""What operators type: their bond, and how operators and provers stand."""
