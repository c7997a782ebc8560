"""What the doctor found, in words and pictures."""
