"""Looking into programs: assertions, snapshots, and the list of passes."""
