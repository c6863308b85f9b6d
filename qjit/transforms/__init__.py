"""Functions of functions: derivatives, and the geometry of quantum functions."""
