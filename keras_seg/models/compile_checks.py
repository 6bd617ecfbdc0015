"""Checks of the losses, void labels and weights given to `compile` and `fit`."""

import keras
from keras import ops

_UNKNOWN = object()


def check_logits_loss(loss):
    """Raises `ValueError` if a loss expects probabilities, as models return logits."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    is_plain = name.replace("_", "").lower().endswith("crossentropy")
    if isinstance(loss, type) or not (
        (is_plain and not isinstance(loss, keras.losses.Loss))
        or getattr(loss, "from_logits", True) is False
    ):
        return
    raise ValueError(
        "The model returns logits, but the loss expects probabilities. Received: "
        f"loss={loss!r}. Leave `loss` out, or use "
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True, "
        "ignore_class=255) or keras_seg.losses.SegmentationLoss()."
    )


def check_void(losses_and_metrics, model):
    """Raises `ValueError` if losses or metrics have another void label than a model."""
    for x in keras.tree.flatten(losses_and_metrics):
        void = getattr(x, "ignore_class", None)
        if void is None or void == model.ignore_class:
            continue
        if 0 <= void < model.num_classes:  # a class that is ignored on purpose
            continue
        raise ValueError(
            f"`{type(x).__name__}` has ignore_class={void}, the model has "
            f"ignore_class={model.ignore_class}. Pass ignore_class="
            f"{model.ignore_class} to it, or make the model with ignore_class={void}."
        )
    if model.classes_learned is not None:
        for loss in keras.tree.flatten(losses_and_metrics[0]):
            if not loss_ignores(loss, model.ignore_class):
                raise ValueError(
                    "With `classes_learned` all other classes are void in the loss. "
                    f"`{type(loss).__name__}` does not ignore void: pass "
                    f"ignore_class={model.ignore_class} to it."
                )


def loss_ignores(loss, ignore_class):
    """Whether a loss ignores void; assumed if it has no attribute `ignore_class`."""
    void = getattr(loss, "ignore_class", _UNKNOWN)
    return void is _UNKNOWN or void == ignore_class


def check_ignore_class(dataset, ignore_class):
    """Raises `ValueError` if a dataset has another void label than the model."""
    for holder in (dataset, getattr(dataset, "source", None)):
        void = getattr(holder, "ignore_class", None)
        if void is not None and void != ignore_class:
            raise ValueError(
                f"The data have ignore_class={void}, the model has ignore_class="
                f"{ignore_class}. Make the model with ignore_class={void}, or read the "
                f"data with ignore_class={ignore_class}."
            )


def class_weight_error(class_weight, num_classes):
    """The error for `class_weight`, which Keras would apply to whole images."""
    weights = "[weight of class 0, weight of class 1, ...]"
    if isinstance(class_weight, dict):
        weights = [float(class_weight.get(i, 1.0)) for i in range(num_classes)]
        if num_classes > 20:
            weights = f"[{', '.join(map(str, weights[:3]))}, ...]"
    return ValueError(
        "`class_weight` does not weight pixels. Omit it and weight the classes in the "
        "loss: model.compile(loss=keras_seg.losses.SegmentationLoss("
        f"class_weights={weights}))."
    )


def pixel_weights(sample_weight, logits):
    """Converts sample weights to one weight per pixel.

    Args:
        sample_weight: Tensor `(B,)` or `(B, 1)`, one weight for each image;
            `(B, H, W)` or `(B, H, W, 1)`, one for each pixel; or `None`.
        logits: Tensor `(B, H, W, K)`.

    Returns:
        Tensor `(B, H, W)`, or `None`.

    Raises:
        ValueError: If the shape is not one of these.
    """
    if sample_weight is None:
        return None
    if not _has_rank(sample_weight):
        batch, height, width = ops.shape(logits)[:3]
        weights = ops.reshape(sample_weight, (batch, -1))  # (B, 1) or (B, H * W)
        pixels = ops.ones((batch, height * width), dtype=weights.dtype)
        return ops.reshape(weights * pixels, (batch, height, width))
    shape, size = tuple(sample_weight.shape), tuple(logits.shape[1:3])
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        weights = ops.reshape(sample_weight, (-1, 1, 1))  # (B, 1, 1)
        return weights * ops.ones_like(logits[..., 0], dtype=weights.dtype)
    pixels = [
        None in pair or len(set(pair)) == 1
        for pair in zip(shape[1:], size, strict=False)
    ]
    if len(shape) == 3 and all(pixels):
        return sample_weight
    if len(shape) == 4 and shape[3] == 1 and all(pixels):
        return ops.squeeze(sample_weight, axis=-1)  # (B, H, W)
    raise ValueError(
        "`sample_weight` must have one weight for each image, (batch,), or for each "
        f"pixel, (batch, height, width). Received: shape {shape} for images of "
        f"{size[0]} x {size[1]} pixels."
    )


def with_rank(labels, logits):
    """Restores the shape `(B, H, W)` of labels of unknown rank in a traced step."""
    if labels is None or _has_rank(labels):
        return labels
    return ops.reshape(labels, ops.shape(logits)[:3])


def label_maps(labels):
    """Labels `(B, H, W)` in place of `(B, H, W, 1)`."""
    if len(labels.shape) == 4 and labels.shape[3] == 1:
        return ops.squeeze(labels, axis=3)
    return labels


def _has_rank(x):
    # In TensorFlow the rank is unknown if earlier batches had another one.
    try:
        return len(x.shape) >= 0
    except ValueError:
        return False
