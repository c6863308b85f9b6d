"""Errors that name the user's line, the cause and a remedy."""
