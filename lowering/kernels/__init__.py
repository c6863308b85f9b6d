"""Kernels: native code that is specialised to the gates of one schedule."""
