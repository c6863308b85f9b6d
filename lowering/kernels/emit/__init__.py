"""Emitting a kernel: the LLVM assembly of a plan, forward and adjoint."""
