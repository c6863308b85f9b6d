"""Derivatives of circuits, of any order and by every method."""
