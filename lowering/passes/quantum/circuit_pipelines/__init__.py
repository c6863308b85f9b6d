"""Pipelines of single circuits: those of quantum functions, and those of devices."""
