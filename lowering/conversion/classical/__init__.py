"""Conversion of classical operations: a file for each dialect."""
