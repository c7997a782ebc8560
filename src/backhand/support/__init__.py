"""What the rest stands on: files, folders, signals, memory, optional packages."""
