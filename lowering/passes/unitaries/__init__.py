"""Circuits of matrices and of states of known numbers."""
