"""The content of `NAME.json`, which describes exported files."""

import hashlib
import importlib.metadata
import json

import numpy as np

from keras_seg.data.palette import default_palette
from keras_seg.export.formats import FORMATS
from keras_seg.version import __version__
from keras_seg_runtime.exported.description import FORMAT_VERSION

PREPROCESSING = {
    "layout": "batch, height, width, channels",
    "channels": "RGB",
    "dtype": "uint8",
    "range": [0, 255],
    "normalisation": "inside the file",
    "downscaling": "larger images to long_side, each pixel the mean of its area",
    "smallest_side": 32,
}


def describe_model(model):
    """Describes a model for a program that uses its exported files.

    Args:
        model: `keras_seg.models.Segmenter`.

    Returns:
        Dictionary that can be stored as JSON.
    """
    count = model.num_classes
    palette = model.palette
    if palette is None:
        palette = default_palette(count).tolist()
    names = model.class_names or [f"class {class_id}" for class_id in range(count)]
    return {
        "format_version": FORMAT_VERSION,
        "model": {
            "class": type(model).__name__,
            "name": model.name,
            "weights_sha256": _weights_hash(model),
        },
        "licence": getattr(model, "licence", None),
        "num_classes": count,
        "class_names": list(map(str, names)),
        "palette": [list(map(int, colour)) for colour in palette],
        "ignore_class": model.ignore_class,
        "long_side": model.long_side,
        "input_scale": float(model.input_scale),
        "temperature": model.temperature,
        "classes_learned": model.classes_learned,
        "preprocessing": PREPROCESSING,
    }


def describes_same(found, description):
    """Whether files of two descriptions are of one model, and their ids mean the same.

    Args:
        found: Dictionary that was read from a file.
        description: Dictionary, see `describe_model`.
    """
    now = json.loads(json.dumps(description))
    del now["licence"]
    return all(found.get(key) == value for key, value in now.items())


def versions_of(form):
    """The versions of the packages that wrote and checked a file."""
    packages = ["keras", "keras-hub", *(name for _, name in FORMATS[form].packages)]
    versions = {"keras-seg": __version__}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "unknown"  # such as a build of TensorFlow for one device
    return versions


def _weights_hash(model):
    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(variable.numpy())
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(values)
    return digest.hexdigest()
