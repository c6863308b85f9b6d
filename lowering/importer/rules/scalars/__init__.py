"""Import rules of operations on one element at a time."""
