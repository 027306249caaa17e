"""`proofgrid demo --chain`: a network whose operators have stake on a chain, and what one of them loses for a lie."""
