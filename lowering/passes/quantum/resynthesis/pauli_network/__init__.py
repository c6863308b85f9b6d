"""Circuits as rotations about Pauli words and one Clifford gate."""
