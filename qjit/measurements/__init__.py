"""What quantum functions return, exactly and from shots."""
