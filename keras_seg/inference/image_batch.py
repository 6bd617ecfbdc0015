"""Batches of images for `predict`."""

import numpy as np


def image_batch(images):
    """Checks images for `predict`, and stacks a list of images of one size.

    Args:
        images: Array or tensor `(B, H, W, 3)`, a list of arrays `(H, W, 3)`, a list
            with one batch, or a data set or generator, which is returned as it is.

    Returns:
        Array `(B, H, W, 3)`, or the unchanged argument.

    Raises:
        ValueError: If the images are not a batch of RGB images of one size.

    Example:

    ```python
    import numpy as np
    from keras_seg.inference.image_batch import image_batch

    print(image_batch([np.zeros((4, 6, 3))] * 2).shape)  # (2, 4, 6, 3)
    ```
    """
    if isinstance(images, (list, tuple)):
        images = _stacked(images)
    shape = getattr(images, "shape", None)
    if shape is None:
        return images
    shape = tuple(shape)
    if len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "`predict` takes a batch of RGB images of shape (batch, height, width, 3). "
            f"Received: shape {shape}{_hint(shape)}"
        )
    return images


def _stacked(images):
    if len(images) == 1 and len(getattr(images[0], "shape", ())) == 4:
        return images[0]
    shapes = sorted({tuple(getattr(image, "shape", ())) for image in images})
    if len(shapes) == 1 and len(shapes[0]) in (2, 3):
        return np.stack([np.asarray(image) for image in images])
    raise ValueError(
        "`predict` takes a batch of RGB images of one size. Received: a list of "
        f"{len(images)} items with the shapes {shapes[:5]}. For images of different "
        "sizes, paths or Pillow images use [model.segment(image) for image in images]."
    )


def _hint(shape):
    if len(shape) == 3 and shape[-1] == 3:
        return ", one image: pass image[None], or use model.segment(image)."
    if len(shape) == 3 or shape[-1:] == (1,):
        return (
            ". Repeat the grey values: np.repeat(images.reshape(*images.shape[:3], 1), "
            "3, axis=-1)."
        )
    if len(shape) == 4 and shape[-1] == 4:
        return ". Leave the alpha channel out: images[..., :3]."
    if len(shape) == 4 and shape[1] == 3:
        return ". Put the channels last: np.moveaxis(images, 1, -1)."
    return "."
