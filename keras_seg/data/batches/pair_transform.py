"""A transform of another library, or of the user, in the training batches."""

import contextlib
import inspect
import logging
import threading

import numpy as np

LOGGER = logging.getLogger("keras_seg")
# How many images are also tried with a label map that is all void.
PROBES = 4
# Two datasets may share a transform that is seeded: one lock for all of them.
_SEEDED = threading.Lock()


class PairTransform:
    """Calls a transform of an image and its mask, and checks what it returns.

    Args:
        transform: Callable with the arguments `image` and `mask`, and `rng` if it has
            one, that returns the pair or a dictionary with the keys `image` and `mask`.
            That of a pipeline of albumentations is such a callable. An object with a
            method `set_random_seed` is seeded for each image and called by one thread
            at a time.
        ignore_class: Integer, the id of void.

    Call arguments:
        image: uint8 array `(height, width, 3)`.
        label: Integer array `(height, width)`.
        rng: `numpy.random.Generator`.

    Returns:
        The pair, of one size, which may be another than that of the arguments.

    Raises:
        TypeError: If the transform is not callable.
        ValueError: If it returns anything else than a pair of arrays that fit.

    Example:

    ```python
    import numpy as np

    from keras_seg.data.batches.pair_transform import PairTransform

    def mirror(image, mask):
        return image[:, ::-1], mask[:, ::-1]

    image, label = np.zeros((4, 6, 3), "uint8"), np.zeros((4, 6), "uint8")
    transform = PairTransform(mirror, ignore_class=255)
    print(transform(image, label, np.random.default_rng(0))[1].shape)  # (4, 6)
    ```
    """

    def __init__(self, transform, ignore_class):
        if not callable(transform):
            raise TypeError(
                "`transform` must be a callable (image, mask) -> (image, mask). "
                f"Received: {transform!r}."
            )
        self.transform = transform
        self.ignore_class = ignore_class
        self.takes_rng = "rng" in _parameters(transform)
        self.is_seeded = hasattr(transform, "set_random_seed")
        self.lock = _SEEDED if self.is_seeded else contextlib.nullcontext()
        self.probes = PROBES
        self.probe_lock = threading.Lock()

    def __call__(self, image, label, rng):
        seed = int(rng.integers(1 << 31))
        if self.probes > 0:
            with self.probe_lock:  # several threads come here at the same time
                self._probe(image, label, seed)
        return self._run(image, label, seed)

    def _run(self, image, label, seed):
        extra = {"rng": np.random.default_rng(seed)} if self.takes_rng else {}
        with self.lock:
            if self.is_seeded:
                self.transform.set_random_seed(seed)
            # A transform may write into its arguments, and images are kept in memory.
            made = self.transform(image=image.copy(), mask=label.copy(), **extra)
        return _checked(made, label)

    def _probe(self, image, label, seed):
        """Warns if pixels from outside the image become a class, but only once."""
        if not self.probes:
            return
        self.probes -= 1
        _, filled = self._run(image, np.full_like(label, self.ignore_class), seed)
        classes = np.setdiff1d(filled, self.ignore_class)
        if classes.size:
            self.probes = 0
            LOGGER.warning(
                "`transform` turned void into the classes %s: it fills what lies "
                "outside the image with them, or draws them. If that is not intended, "
                "let it fill masks with %d; transforms of albumentations take "
                "fill_mask=%d.",
                classes[:20].tolist(),
                self.ignore_class,
                self.ignore_class,
            )


def _parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions of C extensions have none
        return {}


def _checked(made, label):
    if isinstance(made, dict) and {"image", "mask"} <= set(made):
        made = made["image"], made["mask"]
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise ValueError(
            "`transform` must return the pair (image, mask), or a dictionary with "
            f"these keys. Received: {_described(made)}."
        )
    image, mask = map(np.asarray, made)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "`transform` must return an image as uint8 array (height, width, 3). "
            f"Received: shape {image.shape}, dtype {image.dtype}. Leave out steps that "
            "normalise images or turn them into tensors: the model does this itself."
        )
    if mask.shape != image.shape[:2] or mask.dtype.kind not in "iu":
        raise ValueError(
            "`transform` must return a mask of class ids, an integer array of the "
            f"height and width of its image, {image.shape[:2]}. Received: shape "
            f"{mask.shape}, dtype {mask.dtype}. Resize and turn masks with the nearest "
            "neighbour."
        )
    return image, mask.astype(label.dtype)


def _described(made):
    if isinstance(made, dict):
        return f"a dictionary with the keys {sorted(map(str, made))}"
    if isinstance(made, tuple | list):
        return f"{len(made)} values"
    return f"{type(made).__name__}"
