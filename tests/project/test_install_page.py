"""The way round TensorFlow in docs/install.md names all that is needed."""

import importlib.metadata
import re

import pytest
from project_paths import ROOT

pytestmark = pytest.mark.no_backend


def required(package):
    """Names of the packages that one needs without any extra."""
    lines = importlib.metadata.requires(package)
    lines = [line for line in lines if "extra ==" not in line]
    return {re.match(r"[\w-]+", line)[0].lower() for line in lines}


def test_without_tensorflow_the_other_requirements_are_named():
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    section = page.split("## Without TensorFlow")[1].split("```")[1]
    named = set(re.findall(r"[a-z][\w-]*", section))
    needed = required("keras-hub") | required("keras-seg")
    assert needed - named == {"numpy", "tensorflow-text"}  # Keras brings NumPy
