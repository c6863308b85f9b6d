"""Programs of others, as quantum functions."""
