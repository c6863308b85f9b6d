"""Devices, and the options of a call: shots, seeds and keys."""
