"""Operators as values: their algebra, matrices and normal forms."""
