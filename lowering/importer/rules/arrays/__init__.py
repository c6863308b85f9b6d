"""Import rules of operations on whole arrays."""
