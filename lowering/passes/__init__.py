"""The passes of the compiler, and the table that says their order."""
