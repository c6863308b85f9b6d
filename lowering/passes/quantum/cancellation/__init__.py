"""Passes that remove and merge gates that meet."""
