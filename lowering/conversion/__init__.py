"""Conversion of every operation to the llvm dialect."""
