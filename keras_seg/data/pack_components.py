import numpy as np

from keras_seg.data.connected_components import connected_components
from keras_seg.losses.unpack_components import SHIFT


def pack_components(labels, ignore_class=255, max_components=32, min_area=64):
    """Puts the number of its connected component above the class of each pixel.

    So models that learn from components still have one target. They do this
    themselves in `fit` and `train_on_batch`; a training loop of one's own must call
    it. The models, and no others, take the two apart again.

    Args:
        labels: Integer array `(B, H, W)` or `(B, H, W, 1)`, ids below 65,536.
        ignore_class, max_components, min_area: See `connected_components`.

    Returns:
        int32 array of the same shape: `labels + 65536 * components`.

    Raises:
        ValueError: If `labels` has another shape or type, or too large ids.

    Example:

    ```python
    import numpy as np
    from keras_seg.data import pack_components

    labels = np.array([[[0, 0, 7], [0, 255, 7]]])
    print(pack_components(labels, min_area=1) // 65536)  # [[[1 1 2] [1 0 2]]]
    ```
    """
    labels = np.asarray(labels)
    if labels.dtype.kind == "f" and np.array_equal(labels, np.round(labels)):
        labels = labels.astype("int32")
    maps = labels[..., 0] if labels.ndim == 4 and labels.shape[-1] == 1 else labels
    if maps.ndim != 3 or maps.dtype.kind not in "ui":
        raise ValueError(
            "`labels` must be class ids, (batch, height, width) or (batch, height, "
            f"width, 1). Received: shape {labels.shape}, dtype {labels.dtype}."
        )
    if labels.size and labels.max() >= 2**SHIFT:
        raise ValueError(
            f"Class ids must lie below {2**SHIFT}. Received: up to {labels.max()}. "
            "Were components added already?"
        )
    components = [
        connected_components(x, ignore_class, max_components, min_area) for x in maps
    ]
    components = np.array(components, "int32").reshape(labels.shape)
    return labels.astype("int32") + components * 2**SHIFT
