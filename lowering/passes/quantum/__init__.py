"""Passes on gates: rewrites of circuits."""
