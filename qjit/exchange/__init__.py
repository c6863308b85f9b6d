"""Programs in the formats of others, read as quantum functions, and written."""
