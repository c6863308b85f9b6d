"""Emitters: circuits as texts that other runtimes take."""
