"""Rewriting the syntax trees of functions."""
