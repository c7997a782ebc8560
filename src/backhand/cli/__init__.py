"""The command line: each command reads its options, calls what computes, and shows the result."""
