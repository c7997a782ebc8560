"""Refuse a release whose tag, versions, date or repository do not agree.

Usage: python .github/check_release.py TAG ADDRESS_OF_THE_REPOSITORY
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def disagreements(tag: str, repository: str, root: Path = ROOT) -> list[str]:
    """Return what is wrong with a release from a tag of a repository, in sentences."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version, source = project["version"], project["urls"]["Source"]
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    cited = re.search(r"^version: (\S+)$", citation, re.MULTILINE)
    newest = re.search(r"^## \[(.+?)\] - (\S+)$", changelog, re.MULTILINE)
    found = []
    if tag != f"v{version}":
        found.append(f"The tag is {tag}; pyproject.toml has version {version}.")
    if repository.lower() != source.lower():
        found.append(f"The metadata name {source}; this repository is {repository}.")
    if cited is None or cited[1] != version:
        found.append(f"CITATION.cff does not have version {version}.")
    if newest is None or newest[1] != version:
        found.append(f"The newest version in CHANGELOG.md is not {version}.")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", newest[2]):
        found.append(f"CHANGELOG.md says {newest[2]!r} where the date of {version} belongs.")
    return found


if __name__ == "__main__":
    wrong = disagreements(*sys.argv[1:])
    print("\n".join(wrong) or "The tag, the versions, the date and the repository agree.")
    sys.exit(1 if wrong else 0)
