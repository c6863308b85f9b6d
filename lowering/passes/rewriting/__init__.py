"""Rewrite rules on gates, and patterns of xDSL, as passes."""
