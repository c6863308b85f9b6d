"""Templates: operators that are given by functions that apply simpler ones."""
