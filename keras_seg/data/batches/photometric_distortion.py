"""Random changes of light, colours and sharpness."""

import cv2
import numpy as np

BLUR = (0.5, 1.5)  # standard deviation in pixels


class PhotometricDistortion:
    """Distorts the colours of an image as the recipe of the SSD detector does.

    Each of brightness, contrast, saturation and hue is changed with probability
    one half. Contrast is changed before or after saturation and hue, at random.

    Args:
        brightness: Float, the largest shift of the values 0..255.
        contrast: Pair of the least and the largest factor.
        saturation: Pair of the least and the largest factor.
        hue: Float, the largest turn of the colour circle in degrees.
        gamma: Float, at least 1. With probability one half, values in 0..1 are raised
            to a random power between `1 / gamma` and `gamma`, which changes dark parts
            more than bright ones. 1.0 for never.
        blur: Float, the probability of a Gaussian blur with a standard deviation of
            0.5 to 1.5 pixels.

    Call arguments:
        image: uint8 array of shape `(height, width, 3)`, RGB.
        rng: `numpy.random.Generator`.

    Returns:
        A uint8 array of the same shape.

    Raises:
        ValueError: If `gamma` or `blur` is out of range.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import PhotometricDistortion

    distort = PhotometricDistortion()
    image = np.full((4, 4, 3), 100, "uint8")
    print(distort(image, np.random.default_rng(0)).shape)  # (4, 4, 3)
    ```
    """

    def __init__(
        self,
        brightness=32,
        contrast=(0.5, 1.5),
        saturation=(0.5, 1.5),
        hue=36,
        gamma=1.0,
        blur=0.0,
    ) -> None:
        if gamma < 1:
            raise ValueError(f"`gamma` must be at least 1. Received: gamma={gamma}.")
        if not 0 <= blur <= 1:
            raise ValueError(
                "`blur` is a probability and must lie in [0, 1]. Received: "
                f"blur={blur}."
            )
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.gamma = gamma
        self.blur = blur

    def __call__(self, image, rng):
        change = rng.random(4) < 0.5
        contrast_first = rng.random() < 0.5
        shift = rng.uniform(-self.brightness, self.brightness)
        contrast = rng.uniform(*self.contrast)
        saturation = rng.uniform(*self.saturation)
        turn = rng.uniform(-self.hue, self.hue)

        # Drawn last, so that a seed gives the same colours without them.
        exponent = sigma = None
        if self.gamma > 1 and rng.random() < 0.5:
            exponent = self.gamma ** rng.uniform(-1, 1)
        if self.blur and rng.random() < self.blur:
            sigma = rng.uniform(*BLUR)

        # Tables of 256 entries: the cost does not grow with the number of steps.
        before = after = values = np.arange(256, dtype="float32")
        if exponent is not None:
            before = 255 * (values / 255) ** exponent
        if change[0]:
            before = before + shift
        if change[1] and contrast_first:
            before = np.clip(before, 0, 255) * contrast
        elif change[1]:
            after = after * contrast
        image = _apply(image, before)
        if change[2] or change[3]:
            # OpenCV keeps the hue of bytes in half degrees, 0..179.
            hue, strength = values, values
            if change[2]:
                strength = values * saturation
            if change[3]:
                hue = np.round(values + turn / 2) % 180
            tables = np.stack([hue, strength, values], axis=-1)  # (256, 3)
            image = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
            image = _apply(image, tables)
            image = cv2.cvtColor(image, cv2.COLOR_HSV2RGB)
        image = _apply(image, after)
        if sigma is not None:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        return image


def _apply(image, table):
    table = np.clip(np.round(table), 0, 255).astype("uint8")
    if table.ndim == 1 and (table == np.arange(256)).all():
        return image
    return cv2.LUT(image, table[:, None] if table.ndim == 1 else table[:, None, :])
