"""`qjit` and `qnode`: functions that are traced, compiled, and called."""
