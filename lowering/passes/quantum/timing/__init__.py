"""Passes on time: when gates start, and what happens while qubits idle."""
