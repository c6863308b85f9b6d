"""Passes on loops and buffers."""
