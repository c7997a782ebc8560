"""The output of the commands: text by rich, or one JSON object per line."""
