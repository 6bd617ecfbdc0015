"""Label maps as batches need them, or an error that names the image."""

import numpy as np


def find_ignore_class(source, augmentation=None):
    """The id of void that a source and an augmentation agree on.

    Args:
        source: Source of `(image, label)` pairs, with or without `ignore_class`.
        augmentation: Callable, with or without `ignore_class`.

    Returns:
        Integer, or `None` if neither has one.

    Raises:
        ValueError: If they differ.

    Example:

    ```python
    from keras_seg.data import TrainAugmentation
    from keras_seg.data.batches.prepare_label import find_ignore_class

    print(find_ignore_class([], TrainAugmentation((8, 8))))  # 255
    ```
    """
    of_source = getattr(source, "ignore_class", None)
    of_augmentation = getattr(augmentation, "ignore_class", None)
    if None not in (of_source, of_augmentation) and of_source != of_augmentation:
        raise ValueError(
            "The source and the augmentation must have one id for void. Received: "
            f"source.ignore_class={of_source}, augmentation.ignore_class="
            f"{of_augmentation}. Pass `TrainAugmentation(..., "
            f"ignore_class={of_source})`."
        )
    return of_augmentation if of_source is None else of_source


def widen_label(label, ignore_class):
    """A label map in an integer type that holds the id of void as well.

    Args:
        label: Integer or boolean array.
        ignore_class: Integer.

    Returns:
        Integer array of the same shape: `label` itself where its type is fit.

    Raises:
        ValueError: If the type is not integer or boolean.

    Example:

    ```python
    import numpy as np

    from keras_seg.data.batches.prepare_label import widen_label

    print(widen_label(np.array([True, False]), 255))  # [1 0]
    print(widen_label(np.array([1, 0], "int8"), 255).dtype)  # int32
    ```
    """
    label = np.asarray(label)
    if label.dtype == bool:
        label = label.astype("uint8")
    if not np.issubdtype(label.dtype, np.integer):
        raise ValueError(
            "`label` must hold class ids as integers. Received: an array of dtype "
            f"{label.dtype}. Convert it, for example with `label.astype('uint8')`; "
            "take `argmax(axis=-1)` of probabilities first."
        )
    limits = np.iinfo(label.dtype)
    if not limits.min <= ignore_class <= limits.max:
        label = label.astype("int32")
    return label


def prepare_label(label, image_shape, num_classes, ignore_class, name):
    """Checks a label map and returns it as `widen_label` does.

    Args:
        label: Array `(H, W)` or `(H, W, 1)`.
        image_shape: Tuple, the shape of its image.
        num_classes: Integer, or `None` if it is not known.
        ignore_class: Integer.
        name: String for the message, such as `"image 3"`.

    Returns:
        Integer array `(H, W)`.

    Raises:
        ValueError: If the size is not that of the image, if the values are no whole
            numbers, or if an id is neither a class nor void.

    Example:

    ```python
    import numpy as np

    from keras_seg.data.batches.prepare_label import prepare_label

    label = np.zeros((4, 6, 1), "uint8")
    print(prepare_label(label, (4, 6, 3), 2, 255, "image 0").shape)  # (4, 6)
    ```
    """
    label = np.asarray(label)
    if label.ndim == 3 and label.shape[2] == 1:
        label = label[..., 0]
    if label.shape != image_shape[:2]:
        advice = "Resize the label map with nearest neighbour."
        if label.ndim == 3 and label.shape[:2] == image_shape[:2]:
            advice = "Take `label.argmax(axis=-1)` of one-hot labels or probabilities."
        raise ValueError(
            f"The label map of {name} has shape {label.shape}, expected that of its "
            f"image, {image_shape[:2]}. {advice}"
        )
    if label.dtype.kind == "f":
        if not (label == np.round(label)).all():
            raise ValueError(
                f"The label map of {name} has values that are not integers, "
                f"{label.dtype} from {label.min()} to {label.max()}; expected class "
                "ids. Take `argmax(axis=-1)` of probabilities, and multiply by 255 "
                "what was scaled to 0..1."
            )
        label = label.astype("int64")
    label = widen_label(label, ignore_class)
    if num_classes is not None:
        wrong = ((label < 0) | (label >= num_classes)) & (label != ignore_class)
        if wrong.any():
            raise ValueError(
                f"The label map of {name} holds the ids "
                f"{np.unique(label[wrong])[:20].tolist()}, expected 0 to "
                f"{num_classes - 1}, or {ignore_class} for void. Change the ids, or "
                "correct `num_classes` or `ignore_class` of the source."
            )
    return label


class PairReader:
    """Reads pairs of a source and checks each label map when it is first read.

    Args:
        source: Source of `(image, label)` pairs.
        ignore_class: Integer.

    Call arguments:
        index: Integer.

    Returns:
        The image, and the label map as `prepare_label` returns it.

    Example:

    ```python
    import numpy as np

    from keras_seg.data.batches.prepare_label import PairReader

    read = PairReader([(np.zeros((4, 4, 3), "uint8"), np.ones((4, 4), bool))], 255)
    print(read(0)[1].dtype)  # uint8
    ```
    """

    def __init__(self, source, ignore_class):
        self.source = source
        self.num_classes = getattr(source, "num_classes", None)
        self.ignore_class = ignore_class
        self.checked = set()

    def __call__(self, index):
        image, label = self.source[index]
        num_classes = None if index in self.checked else self.num_classes
        label = prepare_label(
            label, np.shape(image), num_classes, self.ignore_class, self._name(index)
        )
        self.checked.add(index)
        return image, label

    def _name(self, index):
        try:
            return f"image {index}, {self.source.names[index]!r}"
        except (AttributeError, IndexError, KeyError, TypeError):
            return f"image {index}"
