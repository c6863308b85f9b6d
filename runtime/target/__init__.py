"""The machine that native code is made for."""
