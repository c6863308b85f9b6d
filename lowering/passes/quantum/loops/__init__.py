"""Passes that move gates out of loops."""
