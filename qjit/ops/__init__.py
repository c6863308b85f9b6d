"""What quantum functions apply: gates, preparations, templates, control flow."""
