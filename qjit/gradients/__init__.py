"""Quantum functions as JAX primitives, and their derivatives by every method."""
