"""Checks of the labels for `fit` and `evaluate`, where batches are made."""

import contextlib
import warnings

import numpy as np

from keras_seg.losses.class_ids import labels_are_checked

# After this number of first batches with only class 0 and void, a warning says that
# masks may hold 0 and 255.
SUSPICIOUS_BATCHES = 16


class LabelCheck:
    """Rejects labels that are not class ids of a model, and says how to convert them.

    Without the check, some backends train on such labels silently: the loss is
    undefined for an id out of range, and one-hot labels are read as ids. The check runs
    on NumPy arrays outside the training step, in the worker threads or processes of the
    dataset if it has them, and takes about a millisecond per million pixels.

    An instance is called with the labels of a batch and the shape of its images, and
    returns the labels as integers. An error is kept in `error`, as backends wrap it in
    other types.

    Args:
        num_classes: Integer.
        ignore_class: Integer. The void label.
        void_in_loss: Boolean. `False` if the loss does not ignore void, so that labels
            must not contain it.
        then: Function or `None`. Applied to the checked labels, such as
            `keras_seg.data.pack_components` with its arguments.

    Call arguments:
        labels: Array `(B, H, W)` or `(B, H, W, 1)`.
        image_shape: Tuple `(B, H, W, 3)`, or `None` if unknown.

    Raises:
        ValueError: If shape, dtype or ids are wrong.

    Example:

    ```python
    import numpy as np
    from keras_seg.models.label_check import LabelCheck

    check = LabelCheck(num_classes=3, ignore_class=255)
    print(check(np.array([[[0.0, 2.0, 255.0]]])))  # [[[0 2 255]]]
    ```
    """

    def __init__(self, num_classes, ignore_class, void_in_loss=True, then=None):
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.void_in_loss = void_in_loss
        self.then = then
        self.error = None
        self._batches = 0  # counted while they hold only class 0 and void

    def __call__(self, labels, image_shape=None):
        try:
            labels = self._checked(np.asarray(labels), image_shape)
        except ValueError as error:
            self.error = error
            raise
        return labels if self.then is None else self.then(labels)

    def check_all(self, labels, image_shape=None):
        """Like a call, for the labels of all training images at once."""
        self._batches = -1
        checked = self(labels, image_shape)
        if self._only_zero_and_void(np.asarray(labels)):
            raise ValueError(self._white_masks("All labels"))
        return checked

    def _checked(self, labels, image_shape):
        if image_shape is not None:
            _check_image_shape(tuple(image_shape))
        self._check_shape(labels, image_shape)
        if labels.dtype == bool:
            labels = labels.astype("uint8")
        elif labels.dtype.kind == "f":
            labels = self._whole_numbers(labels)
        elif labels.dtype.kind not in "ui":
            raise ValueError(
                f"Labels must be integer class ids. Received: dtype {labels.dtype}."
            )
        for image in labels:  # one by one, to take little memory
            self._check_ids(image)
        if self._batches >= 0:
            self._watch_for_white_masks(labels)
        return labels

    def _check_shape(self, labels, image_shape):
        shape = labels.shape
        single = len(shape) == 3 or (len(shape) == 4 and shape[-1] == 1)
        if single and (
            image_shape is None or tuple(shape[:3]) == tuple(image_shape[:3])
        ):
            return
        if len(shape) == 4 and shape[-1] == self.num_classes:
            advice = "They look one-hot: use np.argmax(labels, axis=-1)."
        elif len(shape) == 4 and shape[-1] in (3, 4):
            advice = "They look like colours: map each colour to the id of its class."
        elif len(shape) == 4 and shape[1] in (1, self.num_classes):
            advice = (
                "Their second axis looks like channels: use labels[:, 0]."
                if shape[1] == 1
                else "They look one-hot: use np.argmax(labels, axis=1)."
            )
        elif len(shape) == 2:
            advice = "A single label map needs a batch axis: labels[None]."
        elif single and shape[0] == image_shape[0]:
            advice = (
                "Resize labels to the size of the images, without interpolation: "
                "cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)."
            )
        else:
            advice = "Give one label map of class ids for each image."
        images = "" if image_shape is None else f" for images {tuple(image_shape)}"
        raise ValueError(
            "Labels must be class ids, (batch, height, width) or (batch, height, "
            "width, 1), and of the same size as the images. Received: labels of shape "
            f"{shape}{images}. {advice}"
        )

    def _whole_numbers(self, labels):
        # NaN is not equal to itself, infinity has no integer.
        if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
            raise ValueError(
                "Labels must be class ids, which are integers. Received: dtype "
                f"{labels.dtype} with values that are not integers, such as "
                f"{_some(labels[~(labels == np.round(labels))])}. For probabilities "
                "of the classes use np.argmax(labels, axis=-1); for one map of "
                "probabilities use labels > 0.5. Resize label maps without "
                "interpolation."
            )
        if np.abs(labels).max(initial=0) > 2**31 - 1:
            raise ValueError(
                f"Labels must be class ids. Received: values up to {labels.max()}."
            )
        return labels.astype("int32")

    def _check_ids(self, labels):
        void = labels == self.ignore_class
        stray = (labels < 0) | (labels >= self.num_classes)
        if (stray & ~void).any():
            raise ValueError(self._stray_ids(labels, stray & ~void))
        if not self.void_in_loss and void.any():
            raise ValueError(
                f"The labels contain void, {self.ignore_class}, but the loss given to "
                "`compile` does not ignore it. Pass "
                f"ignore_class={self.ignore_class} to the loss, or omit `loss`."
            )

    def _stray_ids(self, labels, stray):
        classes, void = self.num_classes, self.ignore_class
        ids = np.unique(labels[stray])
        if set(np.unique(labels).tolist()) <= {0, 255}:
            advice = "For masks of 0 and 255 use labels // 255."
        elif ids.tolist() == [-1]:
            advice = (
                f"If -1 is void, use np.where(labels == -1, {void}, labels), or make "
                "the model with ignore_class=-1."
            )
        elif ids.tolist() == [classes] and labels.min() > 0:
            advice = "If ids begin with 1, use labels - 1 (and keep void)."
        elif ids.tolist() == [255]:
            advice = (
                f"If 255 is void, use np.where(labels == 255, {void}, labels), or make "
                "the model with ignore_class=255."
            )
        else:
            advice = (
                "Map them to classes or to void, or make the model with more classes."
            )
        return (
            f"Labels contain ids that are not a class: {_some(ids)}. The model has "
            f"num_classes={classes}, ids 0 to {classes - 1}, and void is {void}. "
            f"{advice}"
        )

    def _watch_for_white_masks(self, labels):
        if not self._only_zero_and_void(labels):
            self._batches = -1
            return
        self._batches += 1
        if self._batches == SUSPICIOUS_BATCHES:
            self._batches = -1
            warnings.warn(
                self._white_masks(f"The first {SUSPICIOUS_BATCHES} batches"),
                stacklevel=2,
            )

    def _only_zero_and_void(self, labels):
        """Whether the labels are only 0 and 255, as in black and white masks."""
        if self.ignore_class != 255 or not labels.size or labels.max() != 255:
            return False
        return bool(((labels == 0) | (labels == 255)).all() and (labels == 0).any())

    def _white_masks(self, begin):
        return (
            f"{begin} contain only the values 0 and 255. 255 is void and is not "
            "learned. If it marks your object, use labels // 255, so that its id is 1."
        )


@contextlib.contextmanager
def labels_named(model, *checks):
    """Within it labels are checked where batches are made, and nowhere else.

    Raises the error of a check where a backend wrapped it in another type.
    """
    try:
        with labels_are_checked():
            yield
    except Exception as error:
        if hasattr(model, "jax_state_sync"):  # restores the weights
            model.jax_state_sync()
        for check in checks:
            if check.error is not None and not isinstance(error, ValueError):
                raise check.error from None
        raise


def _check_image_shape(shape):
    if len(shape) == 4 and shape[-1] == 3:
        return
    if len(shape) == 4 and shape[1] == 3:
        advice = "Move the channels to the end: np.moveaxis(images, 1, -1)."
    elif len(shape) == 4 and shape[-1] == 4:
        advice = "Drop the alpha channel: images[..., :3]."
    elif len(shape) == 4 and shape[-1] == 1:
        advice = "Repeat the grey channel: np.repeat(images, 3, axis=-1)."
    elif len(shape) == 3 and shape[-1] != 3:
        advice = "Make grey images RGB: np.stack([images] * 3, axis=-1)."
    else:
        advice = "A single image needs a batch axis: images[None]."
    raise ValueError(
        "Images must have the shape (batch, height, width, 3). Received: shape "
        f"{shape}. {advice}"
    )


def _some(values, most=8):
    values = np.unique(values)
    text = ", ".join(f"{value:g}" for value in values[:most])
    return text + (", ..." if len(values) > most else "")
