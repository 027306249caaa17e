"""What anybody types to see prices and to check the auction: rounds, records, simulations."""
