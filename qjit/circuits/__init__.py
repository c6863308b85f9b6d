"""Quantum functions as circuits between classical code, and their JAX primitives."""
