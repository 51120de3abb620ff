"""The lessons of the Methods page, one module each."""
