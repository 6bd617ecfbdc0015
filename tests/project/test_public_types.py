"""Editors and mypy know what public functions, methods and constructors return."""

import importlib
import inspect

import pytest
from project_paths import SUBPACKAGES

pytestmark = pytest.mark.no_backend

METHODS = [
    "auxiliary_loss",
    "compile",
    "evaluate",
    "export",
    "export_to",
    "fit",
    "from_preset",
    "predict",
    "predict_labels",
    "predict_on_batch",
    "regions",
    "save_to_preset",
    "segment",
    "summary",
    "test_on_batch",
    "train_on_batch",
    "training_outputs",
]


def without_type(function):
    returned = inspect.signature(function).return_annotation
    return returned is inspect.Signature.empty


def test_public_functions_and_constructors_have_a_return_type():
    """An untyped call is an error in a program that is checked with `mypy --strict`."""
    missing = []
    for part in [*(f"keras_seg.{name}" for name in SUBPACKAGES), "keras_seg_runtime"]:
        module = importlib.import_module(part)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing):
                thing = vars(thing).get("__init__")  # else that of its base
            if inspect.isfunction(thing) and without_type(thing):
                missing.append(f"{part}.{name}")
    assert not missing


def test_methods_of_models_have_a_return_type():
    from keras_seg.models import CPT, SGR, ECENet

    for model in (ECENet, CPT, SGR):
        for name in METHODS:
            assert not without_type(getattr(model, name)), f"{model.__name__}.{name}"
    assert not without_type(CPT.prototypes)
