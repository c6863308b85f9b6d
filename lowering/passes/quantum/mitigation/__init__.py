"""Passes for the mitigation of errors: they change how noise acts, and nothing else."""
