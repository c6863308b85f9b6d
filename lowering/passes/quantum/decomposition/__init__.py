"""Passes that replace gates by simpler ones."""
