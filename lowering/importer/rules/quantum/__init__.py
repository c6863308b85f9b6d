"""Import rules of circuits, gates and measurements."""
