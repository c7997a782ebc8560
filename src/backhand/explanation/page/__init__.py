"""The network as a web page: one file, which computes in the browser."""
