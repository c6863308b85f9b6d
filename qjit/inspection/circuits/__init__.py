"""Circuits as trees of gates, loops and branches, read from modules."""
