"""Passes that write parts of circuits anew, with fewer gates on two qubits."""
