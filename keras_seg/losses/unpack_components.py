"""Class and component of a pixel in one number, so that `fit` has one target.

The low 16 bits hold the class id and the bits above them the number of the component, 0
if there is none. A plain label map is a packed map without components.
"""

from keras import ops

SHIFT = 16


def unpack_components(labels):
    """Separates labels that `keras_seg.data.pack_components` packed.

    Args:
        labels: Integer tensor of any shape.

    Returns:
        Two int32 tensors of that shape: the labels, and the numbers of components.

    Example:

    ```python
    import numpy as np
    from keras_seg.losses.unpack_components import unpack_components

    labels, components = unpack_components(np.array([3, 2 * 65536 + 3]))
    print(labels, components)  # [3 3] [0 2]
    ```
    """
    both = ops.cast(labels, "int32")
    packed = both > 0  # a void label may be negative
    components = ops.where(packed, both // 2**SHIFT, 0)
    return both - components * 2**SHIFT, components
