"""Quantum functions from texts of other languages."""
