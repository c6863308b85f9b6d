"""Passes that bring the qubits of gates next to one another on a coupling graph."""
