"""What was at hand while the dictionary grew, written without knowledge of it."""
