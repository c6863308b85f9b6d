"""Circuits for machines that correct errors: Clifford gates and T, and Pauli words."""
