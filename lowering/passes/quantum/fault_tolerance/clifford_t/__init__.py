"""Passes that make circuits of Clifford gates and T."""
