"""Whatever a user calls an image, as a uint8 RGB array."""

import os

import numpy as np
from PIL import Image

from keras_seg_runtime.images.open_image import unreadable
from keras_seg_runtime.images.orientation import upright
from keras_seg_runtime.images.read_image import read_image, to_rgb

# Floats of 0..1 may lie above 1 after cubic resizing or sharpening; an image of
# 0..255 with nothing above this value is black.
LARGEST_UNIT_VALUE = 16


def as_rgb(image) -> np.ndarray:
    """A path, Pillow image or array as a uint8 array `(H, W, 3)`.

    The EXIF orientation of files and Pillow images is applied.

    Args:
        image: Path of an image file, a Pillow image, or an array or tensor
            `(H, W, 3)`, grey `(H, W)` or `(H, W, 1)`, or RGBA `(H, W, 4)`, with
            integer or floating point values in 0..255. Transparent pixels are shown
            on white.

    Returns:
        uint8 NumPy array `(H, W, 3)`.

    Raises:
        ValueError: If there is no readable image or its shape, type or values do not
            fit.

    Example:

    ```python
    import numpy as np
    from keras_seg.data import as_rgb

    print(as_rgb(np.zeros((4, 6))).shape)  # (4, 6, 3)
    ```
    """
    if isinstance(image, bytes) and len(image) > 4096:
        raise ValueError(
            f"An image must be a path, a Pillow image or an array. Received: "
            f"{len(image):,} bytes, which look like the content of a file. Pass "
            "PIL.Image.open(io.BytesIO(content))."
        )
    if isinstance(image, (str, bytes, os.PathLike)):
        return read_image(image)
    if isinstance(image, Image.Image):
        return _from_pillow(image)
    array = _to_uint8(_to_numpy(image))
    if array.ndim == 3 and array.shape[2] == 3:
        return np.ascontiguousarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return to_rgb(Image.fromarray(np.ascontiguousarray(array)))


def _from_pillow(image):
    if 0 in image.size:
        raise ValueError(f"The image is empty. Received: size {image.size}")
    bands = getattr(image, "format", None) == "TIFF"
    try:
        image, _ = upright(image)
    except Exception as error:  # decoders raise many types on broken files
        name = getattr(image, "filename", "") or "the Pillow image"
        raise ValueError(unreadable(name, error)) from error
    return to_rgb(image, bands=bands)


def _to_numpy(image):
    try:
        if hasattr(image, "detach"):  # a tensor of torch: of any device, with gradients
            image = image.detach().cpu()
            if image.is_floating_point():
                image = image.float()  # NumPy has no bfloat16
        array = np.asarray(image)
    except Exception as error:  # every library has errors of its own
        raise ValueError(
            "An image must be a path, a Pillow image or an array. Received: "
            f"{type(image).__name__}, which NumPy cannot read "
            f"({type(error).__name__}: {error})."
        ) from error
    if "float" in array.dtype.name and array.dtype.kind != "f":
        array = array.astype("float32")  # bfloat16 of JAX and TensorFlow
    if array.dtype.kind not in "uif":
        raise ValueError(
            "An image must be a path, a Pillow image, or an array of integers or "
            f"floats in 0..255. Received: {type(image).__name__} of dtype {array.dtype}"
        )
    if array.ndim not in (2, 3) or (
        array.ndim == 3 and array.shape[2] not in (1, 3, 4)
    ):
        raise ValueError(
            "An image array must have the shape (height, width, 3), (height, width) "
            "or (height, width, 4): one image, channels last. "
            f"Received: shape {array.shape}{_shape_hint(array.shape)}"
        )
    if array.size == 0:
        raise ValueError(f"The image is empty. Received: shape {array.shape}")
    return array


def _shape_hint(shape):
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return ". This is a batch: pass its images one by one, as in images[0]."
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return ". Channels come first here: use np.moveaxis(image, 0, -1)."
    return ""


def _to_uint8(array):
    if array.dtype == np.uint8:
        return array
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            "The image contains NaN or infinite values, expected values in 0..255."
        )
    is_float = array.dtype.kind == "f"
    if is_float and -0.5 <= low and 0 < high < LARGEST_UNIT_VALUE:
        whole = low >= 0 and high > 1 and bool((array == np.rint(array)).all())
        if not whole:
            raise ValueError(
                f"Image values must lie in 0..255. Received: floats from {low} to "
                f"{high}, which look like a range of 0..1"
                f"{' with overshoots of resizing' if high > 1 or low < 0 else ''}: "
                "multiply by 255, as in (image * 255).clip(0, 255). If it is a nearly "
                "black image of 0..255, pass image.clip(0, 255).astype('uint8')."
            )
    if low < 0 or high > 255:
        hint = ""
        if array.dtype == np.uint16:
            bits, divisor = (16, 257) if high > 4095 else (12, 16)
            hint = (
                f". For an image of {bits} bits pass "
                f"(image // {divisor}).astype('uint8')."
            )
        elif low < 0 and high > LARGEST_UNIT_VALUE:
            hint = (
                ". Pass the image before it is normalised, as the model does that; or "
                "image.clip(0, 255), if resizing overshot the range."
            )
        elif low < 0:
            hint = ". Pass the image before it is normalised: the model does that."
        raise ValueError(
            f"Image values must lie in 0..255. Received: {low} to {high}{hint}"
        )
    return (np.rint(array) if is_float else array).astype("uint8")
