"""What each page shows, as values made of facts: pure, so that what people read is tested without a browser."""
