"""Circuits of Qiskit, read."""
