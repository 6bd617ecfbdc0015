import contextlib

import keras


@contextlib.contextmanager
def default_dtype_policy(dtype):
    """Context in which layers that are made without a dtype policy get the given one.

    For functions and classes that make layers and do not pass a `dtype` to them, such
    as those of `keras.applications`.

    Args:
        dtype: Dtype policy or its name; `None` keeps the global policy.

    Example:

    ```python
    import keras
    from keras_seg.backbones.default_dtype_policy import default_dtype_policy

    with default_dtype_policy("mixed_bfloat16"):
        layer = keras.layers.Dense(2)
    print(layer.compute_dtype)  # bfloat16
    ```
    """
    before = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
