"""What the Predict page is made of."""
