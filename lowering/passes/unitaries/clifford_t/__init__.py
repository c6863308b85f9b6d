"""Rotations as exact products of Clifford gates and T, up to an error."""
