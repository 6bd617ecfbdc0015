import os

import h5py
import numpy as np


def store_as_float16(path):
    """Rewrites a weights file of Keras with its kernels in half precision.

    The layout is unchanged, so Keras loads the file like any other and casts to the
    dtype of the model. Kernels are the arrays of two or more axes. A kernel is left in
    single precision if half precision would change an entry by more than 2^-11 of the
    largest one, for example by overflow. So are all biases and the scales and
    statistics of normalization, which are small. Compression of trained kernels would
    save 3 % more.

    Args:
        path: Path. A `.weights.h5` file, which is replaced.

    Example:

    ```python
    import pathlib
    import tempfile
    import keras
    from keras_seg.presets.store_as_float16 import store_as_float16

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.weights.h5")
        model.save_weights(path)
        store_as_float16(path)
        model.load_weights(path)
    ```
    """
    draft = path.with_name(f"{path.name}.float16")
    try:
        # A little smaller than the default, and every HDF5 since 1.8 reads it.
        with (
            h5py.File(path, "r") as source,
            h5py.File(draft, "w", libver=("v108", "v108")) as target,
        ):
            _copy(source, target)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _copy(source, target):
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy(item, target.create_group(name))
        else:
            _copy_array(item, target, name)


def _copy_array(item, target, name):
    array = item[()]
    # An array with attributes holds raw bytes of a type that HDF5 lacks.
    if array.ndim >= 2 and array.dtype.kind == "f" and not item.attrs:
        array = _halved(array)
    target.create_dataset(name, data=array).attrs.update(item.attrs)


def _halved(array):
    with np.errstate(over="ignore"):
        half = array.astype("float16")
        error = np.abs(half - array).max(initial=0)
    return half if error <= np.abs(array).max(initial=0) / 2**11 else array
