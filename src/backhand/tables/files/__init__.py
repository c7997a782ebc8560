"""The files of a table: untrusted text read within limits, and whether files changed."""
