"""Devices of other libraries: what compiled programs call in front of their tables."""
