"""What operators do to keys and trust."""
