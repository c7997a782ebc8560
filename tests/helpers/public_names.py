"""`docs/extensions/public_api.py`: the public names, and the public members of their classes."""

import importlib.util
import inspect
from typing import Any

from conftest import ROOT

spec = importlib.util.spec_from_file_location("public_api", ROOT / "docs/extensions/public_api.py")
assert spec and spec.loader
public_api: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(public_api)

LISTED = public_api.listed_names()
NAMES: dict[str, Any] = public_api.public_names()
RETURNED: dict[str, Any] = public_api.returned()
CLASSES = {n: value for n, value in (NAMES | RETURNED).items() if inspect.isclass(value)}
MEMBERS = {
    f"{name}.{member}": value
    for name, kind in CLASSES.items()
    for member, value in public_api.members(name, kind).items()
}
METHODS = [path for path, value in MEMBERS.items() if public_api.is_method(value)]


def docstring(path: str) -> str:
    """Return the docstring of a public name or of a member: "train", "Model.predict"."""
    found = NAMES | RETURNED
    if path in found:
        return inspect.getdoc(found[path]) or ""
    name, _, member = path.rpartition(".")
    return inspect.getdoc(inspect.getattr_static(found[name], member)) or ""
