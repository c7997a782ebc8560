"""Wrong functions, not looked at before the search for the frame was finished."""
