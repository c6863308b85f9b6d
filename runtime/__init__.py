"""The native runtime: simulator kernels generated as LLVM IR, and their ABI."""
