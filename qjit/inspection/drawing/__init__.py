"""Drawings of circuits: as text, and as figures of Matplotlib."""
