"""What the cells and columns of a table mean, and how they become a matrix."""
