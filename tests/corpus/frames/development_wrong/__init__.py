"""Wrong functions that were used in developing the search for the frame."""
