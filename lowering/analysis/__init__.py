"""Analyses of the IR that several passes share."""
