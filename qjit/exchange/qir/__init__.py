"""QIR texts, as quantum functions."""
