"""Registers our classifiers in libraries that list scikit-learn's classes.

It is registered once both are imported, in either order; the libraries are not imported here.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from backhand.errors import warn
from backhand.estimator.classifier import MLPClassifier


def enter(kind: type[MLPClassifier]) -> None:
    """Register the classifier with each library, once that is imported."""
    _when_imported("skl2onnx", partial(_enter_in_skl2onnx, kind))
    _when_imported("mlflow.sklearn", partial(_enter_in_mlflow, kind))


def _enter_in_skl2onnx(kind: type[MLPClassifier]) -> None:
    """Convert it as scikit-learn's: alone, in pipelines and in other estimators."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.operator_converters.multilayer_perceptron import convert_sklearn_mlp_classifier

    def convert(scope: Any, operator: Any, container: Any) -> None:
        ours = operator.raw_operator
        operator.raw_operator = ours.to_sklearn()
        try:
            convert_sklearn_mlp_classifier(scope, operator, container)
        finally:
            operator.raw_operator = ours

    update_registered_converter(
        kind, f"Backhand{kind.__name__}", calculate_linear_classifier_output_shapes, convert,
        options={"zipmap": [True, False, "columns"], "output_class_labels": [False, True],
                 "nocl": [True, False]},
    )  # fmt: skip


def _enter_in_mlflow(kind: type[MLPClassifier]) -> None:
    """Let `mlflow.sklearn.autolog` patch it too; call that again if it was called before."""
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS, autologging_is_disabled

    module: Any = sys.modules["mlflow.sklearn"]  # as an attribute of mlflow, it is still loading
    theirs = module._gen_estimators_to_patch

    def with_ours() -> list[Any]:
        return [*theirs(), kind]

    module._gen_estimators_to_patch = with_ours
    if "sklearn" in AUTOLOGGING_INTEGRATIONS and not autologging_is_disabled("sklearn"):
        module.autolog(**AUTOLOGGING_INTEGRATIONS["sklearn"])


def _when_imported(name: str, act: Callable[[], None]) -> None:
    if name in sys.modules:
        _try(name, act)
    else:
        sys.meta_path.insert(0, _Follower(name, act))


def _try(name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # a version that was not tested
        warn(
            f"backhand.MLPClassifier could not be registered with {name}, which will not treat it "
            f"as a scikit-learn class: {type(error).__name__}: {error}. Pass it "
            "MLPClassifier.to_sklearn()."
        )  # fmt: skip


class _Follower(MetaPathFinder):
    """Acts after a module has been imported, however it is found."""

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self.name, self.act, self.searching = name, act, False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname != self.name or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                if self in sys.meta_path and module.__name__ == self.name:
                    sys.meta_path.remove(self)
                    _try(self.name, self.act)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
