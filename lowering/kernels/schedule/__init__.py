"""Planning a kernel: which gates share a pass over the state, in which layout."""
