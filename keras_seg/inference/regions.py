"""The latent regions of one image, for models that reason about them."""

import functools
from types import SimpleNamespace

import cv2
import numpy as np

from keras_seg.inference.segment import segment
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg_runtime.images.as_rgb import as_rgb
from keras_seg_runtime.labels.longest_side import resize_longest_side


def region_maps(model, image):
    """Computes the membership of each pixel in each region.

    Args:
        model: A model with `has_regions`, such as `keras_seg.SGR`.
        image: See `segment`. An image larger than `model.long_side` is first downscaled
            to it.

    Returns:
        float32 array `(H, W, K)` that sums to 1 over the regions.

    Raises:
        ValueError: If the model has no regions.

    Example:

    ```python
    import numpy as np
    import keras_seg
    from keras_seg.inference.regions import region_ids, region_maps

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    model = keras_seg.SGR(backbone, 3, hidden_dim=8, reasoner={"num_regions": 4})
    image = np.zeros((40, 60, 3), "uint8")
    print(region_maps(model, image).shape)  # (40, 60, 4)
    print(region_ids(model, image).shape)  # (40, 60), see below
    ```
    """
    _check(model)
    image = as_rgb(image)
    shown = resize_longest_side(image, model.long_side)
    maps = run_inference(model.region_maps, shown[None])[0].astype("float32")
    if shown.shape != image.shape:
        size = image.shape[1::-1]  # one by one: OpenCV limits the channels
        planes = np.ascontiguousarray(maps.transpose(2, 0, 1))
        maps = np.stack([cv2.resize(plane, size) for plane in planes], axis=-1)
    return maps


def region_ids(model, image):
    """Computes the main region of each pixel, in bounded memory.

    Args:
        model, image: See `region_maps`, also for an example.

    Returns:
        Integer array `(H, W)`.

    Raises:
        ValueError: If the model has no regions.
    """
    _check(model)
    view = SimpleNamespace(
        predict_on_batch=functools.partial(run_inference, model.region_maps),
        num_classes=model.head.reasoner.num_regions,
        ignore_class=None,
        input_scale=model.input_scale,
        long_side=model.long_side,
    )
    return segment(view, image)


def _check(model):
    if not getattr(model, "has_regions", False):
        raise ValueError(
            f"{type(model).__name__} has no latent regions. Create it with a reasoner: "
            "keras_seg.SGR(...), or keras_seg.ECENet(..., reasoner=True)."
        )
