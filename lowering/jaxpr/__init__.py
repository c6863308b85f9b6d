"""Jaxprs: their primitives, how they are walked, and rewrites of them."""
