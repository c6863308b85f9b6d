"""Planning a kernel: which gates share a sweep over the state, in which layout."""
