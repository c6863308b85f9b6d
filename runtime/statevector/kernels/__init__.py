"""Generated kernels: what one gate or one measurement does to a state."""
