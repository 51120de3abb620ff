"""What the Networks page is made of."""
