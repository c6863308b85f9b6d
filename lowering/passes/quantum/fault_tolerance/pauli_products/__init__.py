"""Passes on rotations about products of Pauli matrices."""
