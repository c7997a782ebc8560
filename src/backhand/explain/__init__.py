"""Where every number of one forward pass, backward pass and update comes from.

The package has the name of its function. Importing any part of it puts this module in the place of
`backhand.explain`, so the module can be called too.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from backhand.explain.explain import explain

        return explain(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
