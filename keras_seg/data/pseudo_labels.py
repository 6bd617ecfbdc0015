"""Pseudo-labels: masks of images, predicted by another model."""

import os

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_seg_runtime.images.read_image import read_image
from keras_seg_runtime.pictures.save_picture import save_picture
from keras_seg_runtime.unfinished_file import unfinished_file

LARGEST_ID = 65535


def write_pseudo_labels(
    images,
    teacher,
    output,
    threshold=0.7,
    teacher_size=None,
    batch_size=8,
    ignore_class=255,
    root=None,
) -> dict:
    """Writes masks that a teacher predicts, as PNG files of class ids.

    Where the probability is below `threshold`, the mask is void, so that a student is
    trained only on confident predictions. Existing masks are kept, so that an
    interrupted run can be continued, whoever made them: take a new folder for another
    teacher. Files that cannot be read are skipped and
    returned. Masks match the photos as viewers show them: EXIF orientations are applied
    (pass `turn_masks=False` to `keras_seg.data.SegmentationFolder`).

    Args:
        images: Iterable of paths of image files.
        teacher: Callable from a batch of images, uint8 `(B, H, W, 3)`, to class ids
            `(B, h, w)`, or to probabilities `(B, h, w, K)` of any resolution.
        output: Folder of the masks, `NAME.png` for `NAME.jpg`.
        threshold: Float in `[0, 1]`. Minimum probability; not used if the teacher
            returns ids.
        teacher_size: `(height, width)` or `None`. Images are resized to it for the
            teacher, in batches of `batch_size`. With `None` the teacher gets each image
            at its own size, one by one.
        batch_size: Integer.
        ignore_class: Integer. The id of void in the masks.
        root: Folder that all images are in, or `None`. With it, masks have the paths
            that images have below it: `day1/NAME.png` for `ROOT/day1/NAME.jpg`.

    Returns:
        Dictionary from the paths of skipped images to the reasons.

    Raises:
        ValueError: If two images have the same name, if one is not in `root`, if the
            teacher's output is neither ids nor probabilities of the batch, or if PNG
            files cannot hold the ids.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import read_mask, write_pseudo_labels

    def bright_is_one(batch):
        bright = batch.mean(axis=-1) / 255  # (B, H, W)
        return np.stack([1 - bright, bright], axis=-1)  # (B, H, W, 2)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "photo.png")
        Image.new("RGB", (8, 6), (250, 250, 250)).save(path)
        write_pseudo_labels([path], bright_is_one, folder + "/masks")
        print(np.unique(read_mask(folder + "/masks/photo.png")))  # [1]
    ```
    """
    if isinstance(images, (str, bytes, os.PathLike)):
        raise ValueError(
            "`images` must be a list of paths of image files. Received: "
            f"images={images!r}. For a folder pass sorted(glob.glob(folder + '/*'))."
        )
    images = [os.fsdecode(path) for path in images]
    if not 0 <= ignore_class <= LARGEST_ID:
        raise ValueError(
            f"`ignore_class` must lie in 0..{LARGEST_ID}, which PNG files can hold. "
            f"Received: ignore_class={ignore_class}."
        )
    targets = _targets(images, output, root)
    os.makedirs(output, exist_ok=True)
    missing = [path for path in images if not os.path.exists(targets[path])]
    step = batch_size if teacher_size else 1
    problems = {}
    for start in tqdm(range(0, len(missing), step), unit="batch", disable=None):
        paths, pictures = [], []
        for path in missing[start : start + step]:
            try:
                pictures.append(read_image(path))
                paths.append(path)
            except ValueError as error:
                problems[path] = str(error)
        if not paths:
            continue
        batch = [_stretched(picture, teacher_size) for picture in pictures]
        outputs = _checked(teacher(np.stack(batch)), len(paths))
        for path, picture, scores in zip(paths, pictures, outputs, strict=True):
            size = picture.shape[:2]
            if scores.ndim == 2:
                label = cv2.resize(
                    scores.astype("int32"), size[::-1], interpolation=cv2.INTER_NEAREST
                )
            else:
                label = labels_from_scores(scores, size, threshold, ignore_class)
            _write(label, targets[path])
    return problems


def labels_from_scores(scores, size, threshold=0.7, ignore_class=255) -> np.ndarray:
    """The most probable class of every pixel, or void below a threshold.

    Args:
        scores: Array `(h, w, K)`, probabilities.
        size: `(height, width)`. Size to which `scores` are resized bilinearly.
        threshold: Float in `[0, 1]`. Minimum probability.
        ignore_class: Integer. The id of void.

    Returns:
        int32 array `(height, width)`.

    Raises:
        ValueError: If the scores are not probabilities, or `ignore_class` is the id of
            a class.

    Example:

    ```python
    import numpy as np
    from keras_seg.data import labels_from_scores

    scores = np.array([[[0.9, 0.1], [0.4, 0.6]]])
    print(labels_from_scores(scores, (1, 2)))  # [[0 255]]
    ```
    """
    scores = np.asarray(scores, "float32")
    if scores.ndim != 3 or scores.shape[2] < 2:
        raise ValueError(
            "Soft labels must have the shape (height, width, classes) with at least "
            f"two classes. Received: {scores.shape}."
        )
    if not scores.min() >= -1e-3 or abs(float(scores.sum(axis=2).mean()) - 1) > 0.02:
        raise ValueError(
            "Soft labels must be probabilities that add up to 1 in every pixel. "
            f"Received: values from {scores.min():g} to {scores.max():g}, sums around "
            f"{scores.sum(axis=2).mean():g}. Apply a softmax to logits first."
        )
    if 0 <= ignore_class < scores.shape[2]:
        raise ValueError(
            f"`ignore_class={ignore_class}` is the id of one of the {scores.shape[2]} "
            "classes. Pass an id outside of them, such as ignore_class=65535."
        )
    # Channel by channel: OpenCV limits the number of channels.
    best = np.full(size, -1.0, "float32")
    label = np.zeros(size, "int32")
    for class_id in range(scores.shape[2]):
        plane = np.ascontiguousarray(scores[:, :, class_id])
        plane = cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR)
        label[plane > best] = class_id
        np.maximum(best, plane, out=best)
    label[best < threshold] = ignore_class
    return label


def mask_path(image, output, root=None):
    """The path of a mask, see `write_pseudo_labels`."""
    name = os.path.basename(image)
    if root is not None:
        name = os.path.relpath(image, root)
        if name.split(os.sep)[0] == os.pardir:
            raise ValueError(
                f"`root` must be a folder that all images are in. Received: {image!r} "
                f"and root={os.fspath(root)!r}."
            )
    return os.path.join(output, f"{os.path.splitext(name)[0]}.png")


def _targets(images, output, root):
    targets = {path: mask_path(path, output, root) for path in images}
    if len(set(targets.values())) < len(targets):
        names = [os.path.basename(target) for target in targets.values()]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"Images of the same name would share a mask: {repeated[:5]}. Rename them, "
            "or pass root=FOLDER to keep the folders that they are in."
        )
    return targets


def _stretched(picture, size):
    if size is None or picture.shape[:2] == tuple(size):
        return picture
    smaller = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(picture, tuple(size)[::-1], interpolation=method)


def _checked(outputs, count):
    outputs = np.asarray(outputs)
    is_ids = outputs.ndim == 3 and np.issubdtype(outputs.dtype, np.integer)
    is_scores = outputs.ndim == 4 and np.issubdtype(outputs.dtype, np.floating)
    if len(outputs) != count or not (is_ids or is_scores):
        raise ValueError(
            f"The teacher must return integer ids ({count}, h, w) or floating point "
            f"probabilities ({count}, h, w, classes) for {count} images. Received: "
            f"shape {outputs.shape}, dtype {outputs.dtype}."
        )
    return outputs


def _write(label, path):
    """Writes a mask, so that the file is never incomplete."""
    low, high = label.min(), label.max()
    if low < 0 or high > LARGEST_ID:
        raise ValueError(
            f"The teacher must return ids in 0..{LARGEST_ID}, for PNG files. "
            f"Received: {low} to {high}."
        )
    dtype = "uint8" if high <= 255 else "uint16"
    with unfinished_file(path) as draft:
        save_picture(Image.fromarray(label.astype(dtype)), draft)
