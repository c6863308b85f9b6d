"""What converted code calls in place of Python's control flow."""
