"""Passes that know what is done with qubits, or what state they are in."""
