"""Comparison of an exported file with its model."""

import numpy as np

from keras_seg.layers.scatter_classes import ABSENT_LOGIT

# Logits may differ by this share of their range; the labels of pixels whose two largest
# logits are nearer to each other than that are not compared.
TOLERANCE = 1e-3
# Share of the labels that half precision may change.
MAX_CHANGED = 0.02
# Odd sizes, that no stride divides.
SIZES = ((1, 97, 131), (2, 150, 107))


def check_batches(size=None):
    """Images to compare outputs for: two sizes, and a batch of two.

    Args:
        size: Pair `(height, width)` if the size is fixed, or `None`.

    Returns:
        Dictionary from names to uint8 arrays `(B, H, W, 3)`: shapes of several colours,
        with noise.
    """
    sizes = [(1, *size), (2, *size)] if size else SIZES
    generator = np.random.default_rng(0)
    return {"x".join(map(str, s)): _pictures(generator, *s) for s in sizes}


def _pictures(generator, count, height, width):
    rows, columns = np.indices((height, width)) / max(height, width)  # (H, W)
    images = np.empty((count, height, width, 3))
    for image in images:
        image[:] = generator.uniform(0, 255, 3)
        for _ in range(12):
            y, x, radius = generator.uniform(0, 1, 3) * (1.0, 1.0, 0.4)
            inside = np.hypot(rows - y, columns - x) < radius
            image[inside] = generator.uniform(0, 255, 3)
        image += 40 * rows[..., None] + generator.normal(0, 8, image.shape)
    return images.clip(0, 255).astype("uint8")


def compare(expected, outputs, labels=False, weights="float32"):
    """Compares the outputs of an exported file with the logits of its model.

    Args:
        expected: Dictionary from names to logits `(B, H, W, K)` of the model.
        outputs: Dictionary from the same names to outputs of the file.
        labels: Boolean. Whether these are labels `(B, H, W)`.
        weights: `"float32"` or `"float16"`, those of the file.

    Returns:
        Dictionary: the `images` compared, the share of `different_labels`, and the
        largest difference of logits, relative to the largest logit.

    Raises:
        ValueError: If they differ. The message says where and by how much.
    """
    different = total = 0
    largest = None if labels else 0.0
    for name, logits in expected.items():
        output = outputs[name]
        shape = logits.shape[:3] if labels else logits.shape
        if output.shape != shape:
            raise ValueError(
                f"For images of {name} pixels it returns an output of shape "
                f"{output.shape}, and the model one of {shape}."
            )
        wrong, relative, exact = _differences(logits, output, labels)
        if relative is not None:
            largest = max(largest, relative)
        if weights == "float16":
            failed = wrong.mean() > MAX_CHANGED
        else:
            failed = wrong.any() or not exact
        if failed:
            raise ValueError(_text(name, wrong, logits, output, relative))
        different += int(wrong.sum())
        total += wrong.size
    return {
        "images": list(expected),
        "different_labels": different / total,
        "largest_difference": largest,
    }


def _differences(logits, output, labels):
    """Compares the output for one batch.

    Returns:
        Where labels differ by more than rounding `(B, H, W)`; the largest difference
        of logits, relative to the largest one, or `None`; and whether all logits are
        equal but for rounding.
    """
    best = np.argmax(logits, axis=-1)
    top = np.max(logits, axis=-1)  # (B, H, W)
    gaps = top[..., None] - logits  # (B, H, W, K)
    # Not the logits of classes that a model excludes, which have no meaning.
    counted = (logits > ABSENT_LOGIT / 2) | (gaps == 0)
    limit = TOLERANCE * float(gaps[counted].max())
    found = output if labels else np.argmax(output, axis=-1)
    known = np.clip(found, 0, logits.shape[-1] - 1)
    lost = np.take_along_axis(gaps, known[..., None].astype("int64"), -1)[..., 0]
    wrong = ((found != best) & ~(lost <= limit)) | (found != known)
    if labels:
        return wrong, None, True
    wrong |= np.isnan(output).any(axis=-1)
    difference = float(np.abs(output - logits)[counted].max())
    largest = max(float(np.abs(top).max()), np.finfo("float32").tiny)
    return wrong, difference / largest, difference <= max(limit, 1e-6 * largest)


def _text(name, wrong, logits, output, relative):
    text = f"For images of {name} pixels"
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        found = output[place] if output.ndim == 3 else np.argmax(output[place])
        text += (
            f" {wrong.mean():.2%} of the labels differ, first at image, row, column "
            f"{place}: {int(found)} in place of {int(np.argmax(logits[place]))}."
        )
    if relative is not None:
        text += f" The logits differ by {relative:.2g} of the largest one."
    return text
