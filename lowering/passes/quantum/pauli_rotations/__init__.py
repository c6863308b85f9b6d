"""Circuits as rotations about Pauli words with one Clifford circuit behind them."""
