"""Circuits of unitary matrices on one qubit and on two."""
