"""The lowest layer: files, folders, signals, memory, optional packages."""
