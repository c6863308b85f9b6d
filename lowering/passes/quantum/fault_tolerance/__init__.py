"""Circuits of Clifford gates and T, for machines that correct errors."""
