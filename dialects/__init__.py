"""Gates as records, and the dialects of the IR."""
