"""What the commands print: for people with rich, for programs as one JSON object a line."""
