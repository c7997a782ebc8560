"""DuckDB's errors as sentences about the user's file."""

from __future__ import annotations

import re


def explained(error: Exception, data: str) -> str:
    """What was wrong, and where: the file, and the line if one is to blame."""
    text = str(error)
    line = re.search(r"Line: (\d+)", text)
    file = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    place = (file.group(1) if file else data) + (f", line {line.group(1)}" if line else "")
    if "not utf-8" in text.lower() or "invalid unicode" in text.lower():
        return f"{place}: not UTF-8 text; save the file as UTF-8."
    if found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        if int(found.group(2)) > int(found.group(1)):
            return (
                f"{place} has more values than the {found.group(1)} columns that the first line "
                "names; mend that line."
            )
        return (
            f"{place} has {found.group(2)} values where the first line names "
            f"{found.group(1)} columns; mend that line."
        )
    if found := re.search(r"Could not convert string \"(.*)\" to '(\w+)'", text):
        return (
            f"{place} has '{found.group(1)}' in a column of numbers or dates; mend it, or leave "
            "it empty if it is missing."
        )
    if "unterminated quote" in text.lower() or "quote" in text.splitlines()[0].lower():
        return f"{place}: a quote is opened and never closed."
    return f"{data} cannot be read: {first_line(error)}"


def first_line(error: Exception) -> str:
    """The first line of what it says, as the end of a sentence."""
    line = str(error).splitlines()[0]
    line = re.sub(r"^[\w ]*Error: ", "", line).rstrip(" .:!")
    return line + "."


def lack_of_room(error: Exception) -> str | None:
    """The sentence, if what DuckDB lacks is memory or room on the disk."""
    text = str(error)
    if "No space left" in text or "temp_directory_size" in text:
        found = re.search(r"file \"?([^\":]+)\"?", text)
        where = f" in {found.group(1)}" if found else ""
        return (
            f"there is no room left on the disk{where} for what does not fit in memory; free some, "
            "or name another folder with --cache-dir."
        )
    if "Out of Memory" in text or "could not allocate" in text or "failed to allocate" in text:
        return "the table needs more memory than it may use; allow more with --memory."
    return None
