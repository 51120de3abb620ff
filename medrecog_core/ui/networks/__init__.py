"""Parts of the Networks page."""
