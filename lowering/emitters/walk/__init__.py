"""The walk over a circuit: what is emitted of each operation."""
