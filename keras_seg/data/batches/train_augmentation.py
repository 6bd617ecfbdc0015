"""Random scale, crop, flip and colours for training."""

import cv2
import numpy as np

from keras_seg.data.batches.photometric_distortion import PhotometricDistortion
from keras_seg.data.batches.prepare_label import widen_label

PADDING_GREY = 127
CROP_TRIES = 10


class TrainAugmentation:
    """Turns an image of any size and its label map into a random training crop.

    The image is scaled by `base_scale` times a random factor and a window of
    `crop_size` is cut from it, both in one step that computes the window alone.
    The image is interpolated, the label map takes the nearest pixel of the same
    geometry. Where the scaled image does not fill the crop, the image is grey
    (127, about 0 after the usual normalisation) and the label is void.

    Args:
        crop_size: Pair `(height, width)` of the crop.
        scale_range: Pair of the least and the largest random factor.
        max_class_share: Float. Up to ten windows are tried until no class fills
            more than this share of the pixels that are not void.
        flip: Boolean. Whether to mirror left and right half of the time.
        photometric: Boolean, or a callable `(image, rng) -> image` in place of
            `keras_seg.data.PhotometricDistortion()`.
        base_scale: Float. 2.0 trains on images enlarged twice.
        ignore_class: Integer, the id of void. Defaults to 255.
        focus_classes: Ids of rare classes. Defaults to none.
        focus_probability: Float. With this probability the window is placed around
            a random pixel of one of `focus_classes`, if the image has any.
        rotation: Float, degrees. The window is turned about its centre by a random
            angle of at most this, to either side.

    Call arguments:
        image: uint8 array of shape `(height, width, 3)`.
        label: Integer or boolean array of shape `(height, width)`.
        rng: `numpy.random.Generator`, the only source of randomness.

    Returns:
        The image crop, uint8 `(crop height, crop width, 3)`, and the label crop
        `(crop height, crop width)` in the type of `label`; boolean labels become
        uint8, and types that cannot hold `ignore_class` int32.

    Raises:
        ValueError: If an argument is out of range, or if image and label do not
            fit together.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import TrainAugmentation

    augment = TrainAugmentation(crop_size=(32, 48))
    image = np.zeros((40, 40, 3), "uint8")
    label = np.zeros((40, 40), "uint8")
    image, label = augment(image, label, np.random.default_rng(0))
    print(image.shape, label.shape)  # (32, 48, 3) (32, 48)
    ```
    """

    def __init__(
        self,
        crop_size,
        scale_range=(0.5, 2.0),
        max_class_share=0.75,
        flip=True,
        photometric=True,
        base_scale=1.0,
        ignore_class=255,
        focus_classes=(),
        focus_probability=0.5,
        rotation=0.0,
    ) -> None:
        crop_size = tuple(int(size) for size in crop_size)
        if len(crop_size) != 2 or min(crop_size) < 1:
            raise ValueError(
                "`crop_size` must be a pair (height, width) of positive integers. "
                f"Received: crop_size={crop_size}."
            )
        low, high = (float(factor) for factor in scale_range)
        if not 0 < low <= high:
            raise ValueError(
                "`scale_range` must be a pair of positive factors, the smaller "
                f"first. Received: scale_range={scale_range}."
            )
        if base_scale <= 0:
            raise ValueError(
                f"`base_scale` must be positive. Received: base_scale={base_scale}."
            )
        if not 0 < max_class_share <= 1:
            raise ValueError(
                "`max_class_share` must be above 0 and at most 1 (no cap). "
                f"Received: max_class_share={max_class_share}."
            )
        if not 0 <= rotation <= 180:
            raise ValueError(
                "`rotation` must be an angle between 0 and 180 degrees. Received: "
                f"rotation={rotation}."
            )
        self.crop_size = crop_size
        self.scale_range = (low, high)
        self.max_class_share = max_class_share
        self.flip = flip
        self.photometric = PhotometricDistortion() if photometric is True else None
        if callable(photometric):
            self.photometric = photometric
        self.base_scale = base_scale
        self.ignore_class = ignore_class
        self.focus_classes = tuple(focus_classes)
        self.focus_probability = focus_probability if self.focus_classes else 0.0
        self.rotation = float(rotation)

    def __call__(self, image, label, rng):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                "`image` must be a uint8 array (height, width, 3). Received: shape "
                f"{image.shape}, dtype {image.dtype}."
            )
        if label.shape != image.shape[:2]:
            raise ValueError(
                "`label` must have the height and width of `image`. Received: label "
                f"{label.shape}, image {image.shape}."
            )
        label = widen_label(label, self.ignore_class)
        scale = self.base_scale * rng.uniform(*self.scale_range)
        flip = bool(self.flip and rng.random() < 0.5)
        angle = 0.0
        if self.rotation:
            angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
        origin, label_crop, inside = self._choose_window(label, scale, angle, rng)
        image_crop = self._crop_image(image, scale, angle, origin)
        if self.photometric is not None:
            image_crop = self.photometric(image_crop, rng)
        image_crop[~inside] = PADDING_GREY
        if flip:
            image_crop, label_crop = image_crop[:, ::-1], label_crop[:, ::-1]
        return np.ascontiguousarray(image_crop), np.ascontiguousarray(label_crop)

    def _choose_window(self, label, scale, angle, rng):
        """The window's corner in the scaled image, and what `_crop_label` returns."""
        focus = None
        if self.focus_probability and rng.random() < self.focus_probability:
            present = [c for c in self.focus_classes if (label == c).any()]
            if present:
                places = np.argwhere(label == present[rng.integers(len(present))])
                focus = places[rng.integers(len(places))]  # (2,)
        for _ in range(CROP_TRIES):
            origin = tuple(
                _random_origin(
                    round(label.shape[axis] * scale),
                    self.crop_size[axis],
                    None if focus is None else (focus[axis] + 0.5) * scale,
                    rng,
                )
                for axis in (0, 1)
            )
            crop, inside = self._crop_label(label, scale, angle, origin)
            _, counts = np.unique(crop[crop != self.ignore_class], return_counts=True)
            if counts.size and counts.max() <= self.max_class_share * counts.sum():
                break
        return origin, crop, inside

    def _crop_label(self, label, scale, angle, origin):
        """The label in a window, and which of its pixels are inside the image."""
        rows, columns, inside = self._nearest(origin, label.shape, scale, angle)
        crop = label[rows, columns]  # (h, w)
        crop[~inside] = self.ignore_class
        return crop, inside

    def _nearest(self, origin, shape, scale, angle):
        """Row and column of the source pixel nearest to each pixel of the crop.

        They broadcast to `(h, w)`, as does whether that pixel is inside the image.
        """
        (height, width), centre = self.crop_size, _centre(origin, self.crop_size)
        y = np.arange(height)[:, None] + 0.5 - height / 2
        x = np.arange(width)[None, :] + 0.5 - width / 2
        if angle:
            cosine, sine = np.cos(angle), np.sin(angle)
            y, x = cosine * y + sine * x, cosine * x - sine * y  # (h, w)
        rows = np.floor((y + centre[0]) / scale).astype("int64")
        columns = np.floor((x + centre[1]) / scale).astype("int64")
        inside = (0 <= rows) & (rows < shape[0]) & (0 <= columns) & (columns < shape[1])
        return rows.clip(0, shape[0] - 1), columns.clip(0, shape[1] - 1), inside

    def _crop_image(self, image, scale, angle, origin):
        height, width = image.shape[:2]
        if scale < 0.5:  # bilinear alone would skip pixels
            smaller = (
                max(1, round(width * scale * 2)),
                max(1, round(height * scale * 2)),
            )
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
        step_y = image.shape[0] / (height * scale)
        step_x = image.shape[1] / (width * scale)
        # From the crop to the image, with pixel centres at halves. What is turned are
        # the distances from the centre of the window.
        cosine, sine = np.cos(angle), np.sin(angle)
        y, x = (0.5 - size / 2 for size in self.crop_size)
        centre_y, centre_x = _centre(origin, self.crop_size)
        matrix = np.array(
            [
                [cosine, -sine, cosine * x - sine * y + centre_x],
                [sine, cosine, cosine * y + sine * x + centre_y],
            ]
        )
        matrix *= [[step_x], [step_y]]
        matrix[:, 2] -= 0.5
        return cv2.warpAffine(
            image,
            matrix,
            self.crop_size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _random_origin(size, crop, focus, rng):
    """Start of the window along one axis; negative where the image is smaller."""
    low, high = sorted((0, size - crop))
    if focus is not None and size > crop:
        low = min(max(low, int(focus) - crop + 1), high)
        high = max(min(high, int(focus)), low)
    return int(rng.integers(low, high + 1))


def _centre(origin, crop_size):
    """The centre of a window, `(y, x)`, in the scaled image."""
    return tuple(
        start + size / 2 for start, size in zip(origin, crop_size, strict=True)
    )
