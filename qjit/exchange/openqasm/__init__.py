"""OpenQASM texts, as quantum functions."""
