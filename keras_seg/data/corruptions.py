"""Images made worse in a repeatable way, to measure how robust a model is."""

import io

import cv2
import numpy as np
from PIL import Image

from keras_seg.data.sources.derived_sources import DerivedSource

SEVERITIES = (1, 2, 3, 4, 5)
# Kernels have this size at a shorter side of 360 pixels and grow with the image.
REFERENCE_SIDE = 360


def corrupt_image(image, name, severity, seed=0) -> np.ndarray:
    """Corrupts an image: blur, noise, fog, darkness, or compression.

    The kinds are among those of ImageNet-C
    ([Hendrycks and Dietterich, 2019](https://arxiv.org/abs/1903.12261)); how strong
    the five severities are is ours. The result depends only on the arguments.

    - `"blur"`: Gaussian blur, of the same strength relative to the image at any size
    - `"noise"`: Gaussian noise of the sensor
    - `"fog"`: bright fog of uneven density
    - `"dark"`: little light, with the noise that comes with it
    - `"jpeg"`: strong JPEG compression

    Args:
        image: uint8 array `(H, W, 3)`, RGB.
        name: String, one of those above.
        severity: Integer, 1 to 5.
        seed: Integer, or tuple of integers. With the same seed, a higher severity has
            the same noise or fog, only more of it.

    Returns:
        uint8 array of the same shape.

    Raises:
        ValueError: If the image is no uint8 array `(H, W, 3)`, or name or severity are
            unknown.

    Example:

    ```python
    import numpy as np
    import keras_seg

    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), "uint8")
    foggy = keras_seg.data.corrupt_image(image, "fog", severity=3)
    print(foggy.shape, foggy.dtype)  # (60, 80, 3) uint8
    ```
    """
    _check_kind(name, severity)
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "`image` must be a uint8 array (H, W, 3). Received: shape "
            f"{image.shape}, dtype {image.dtype}. `keras_seg.data.as_rgb` converts "
            "other images."
        )
    if image.size == 0:
        return image.copy()
    return _FUNCTIONS[name](image, severity - 1, np.random.default_rng(seed))


class CorruptedSource(DerivedSource):
    """A source whose images are corrupted, each in its own way, always the same.

    Args:
        source: Any source of `(image, label)` pairs.
        name, severity: See `keras_seg.data.corrupt_image`.
        seed: Integer.

    Raises:
        ValueError: If name or severity are unknown.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import CorruptedSource

    pairs = [(np.full((40, 50, 3), 90, "uint8"), np.zeros((40, 50), "uint8"))]
    image, label = CorruptedSource(pairs, "noise", severity=2)[0]
    print(image.std() > 0, label.max())  # True 0
    ```
    """

    def __init__(self, source, name, severity, seed=0) -> None:
        super().__init__(source)
        _check_kind(name, severity)
        self.corruption = name
        self.severity = severity
        self.seed = seed

    def __getitem__(self, index):
        image, label = self.source[index]
        seed = (self.seed, int(index) % len(self.source))
        return corrupt_image(image, self.corruption, self.severity, seed), label


def _blur(image, level, rng):
    sigma = (1.0, 1.8, 2.8, 4.0, 5.5)[level] * min(image.shape[:2]) / REFERENCE_SIDE
    return cv2.GaussianBlur(
        image, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REFLECT
    )


def _noise(image, level, rng):
    deviation = (8, 16, 26, 38, 52)[level]
    return _to_uint8(image + deviation * rng.standard_normal(image.shape, "float32"))


def _fog(image, level, rng):
    density = (0.3, 0.42, 0.54, 0.66, 0.78)[level]
    fog = density * (0.6 + 0.4 * _clouds(*image.shape[:2], rng))[..., None]
    light = 235.0
    return _to_uint8(image * (1 - fog) + light * fog)


def _dark(image, level, rng):
    light = (0.6, 0.42, 0.3, 0.2, 0.12)[level]
    x = image.astype("float32") * light
    # Noise of the number of photons, as if white were 1,500 of them.
    deviation = np.sqrt(x * (255 / 1500))
    return _to_uint8(x + deviation * rng.standard_normal(image.shape, "float32"))


def _jpeg(image, level, rng):
    quality = (40, 25, 16, 10, 6)[level]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=quality)
    with Image.open(file) as compressed:
        return np.array(compressed.convert("RGB"))


def _clouds(height, width, rng):
    """Smooth random values in 0..1: random grids of several sizes, enlarged, summed."""
    total = np.zeros((height, width), "float32")
    for octave in range(5):
        grid = rng.random((2 ** (octave + 1) + 1,) * 2, "float32")
        grid = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += grid / 2**octave
    low, high = total.min(), total.max()
    return (total - low) / max(float(high - low), 1e-6)


def _to_uint8(x):
    return np.clip(np.round(x), 0, 255).astype("uint8")


_FUNCTIONS = {
    "blur": _blur,
    "noise": _noise,
    "fog": _fog,
    "dark": _dark,
    "jpeg": _jpeg,
}
CORRUPTIONS = tuple(_FUNCTIONS)


def _check_kind(name, severity):
    if name not in _FUNCTIONS:
        raise ValueError(
            f"There is no corruption {name!r}. Expected one of "
            f"{', '.join(map(repr, _FUNCTIONS))}."
        )
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise ValueError(
            "`severity` must be an integer from 1 to 5. Received: "
            f"severity={severity!r}."
        )
