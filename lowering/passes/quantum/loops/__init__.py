"""Passes that write out turns of loops, and that move gates out of loops."""
