"""What differs between Linux, macOS and Windows. No other module tests which system this is.

Where a system has nothing that serves, a function does nothing, or returns that it did not.
`mypy --platform win32` and `--platform darwin` find what other modules use of one system alone.
"""

from __future__ import annotations

from backhand.support.system import c_library, files, machine, memory, processes

__all__ = ["c_library", "files", "machine", "memory", "processes"]
