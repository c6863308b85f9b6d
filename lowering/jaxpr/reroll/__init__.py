"""Rolling unrolled repetitions back into loops and functions."""
