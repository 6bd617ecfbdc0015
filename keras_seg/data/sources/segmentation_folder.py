"""A data source of image files and mask files."""

import os
import warnings

from keras_seg.data.files.label_ids import (
    map_ids,
    narrowest_dtype,
    require_class_ids,
)
from keras_seg.data.files.list_images import is_image_name
from keras_seg.data.files.pair_files import require_pairs
from keras_seg.data.files.read_mask import mask_orientation, read_mask
from keras_seg.data.sources.class_arguments import resolve_classes
from keras_seg_runtime.images.orientation import DESCRIPTIONS, turn_array, turned_apart
from keras_seg_runtime.images.read_image import decode_image, image_size

WATCHED_MASKS = 16


class SegmentationFolder:
    """Images and masks in two folders, paired by file name.

    A source is a sequence: `source[i]` is the pair of an image, a uint8 array
    `(height, width, 3)`, and a label map, an array `(height, width)` of class
    ids in which void is `ignore_class`. Files are read when asked for.

    Args:
        images: Folder of the images, which may have folders inside it, or an iterable
            of paths.
        masks: Folder of the masks, named like the images whatever the suffix, or an
            iterable of paths in the order of the images. It may be the folder of the
            images, if the names of masks have a suffix.
        num_classes: Integer, at least 2: background counts. Defaults to the length of
            `class_names`.
        class_names: List of strings. Defaults to `"class 0"`, `"class 1"`, ...
        void_ids: Ids in the mask files that mean void; they become
            `ignore_class`.
        id_map: Dict from ids in the mask files to class ids, for example
            `{255: 1}`. Ids that it does not name stay as they are.
        mask_palette: List of `(r, g, b)` or dict from `(r, g, b)` to id, for
            masks painted in colours. See `keras_seg.data.read_mask`. `void_ids`
            and `id_map` apply to its ids.
        palette: Array of shape `(num_classes, 3)`, the colours to show classes
            in. Defaults to `keras_seg.data.default_palette(num_classes)`.
        ignore_class: Integer, the id of void. Pixels that hold it already stay void.
            Defaults to 255.
        mask_suffix: String, what the names of masks have behind those of images, as
            `"_mask"` for `a.jpg` and `a_mask.png`. Defaults to `None`: it is found
            out, and lists are paired in order.
        turn_masks: Boolean. Whether masks without an EXIF orientation are turned by
            that of their photo: `True` if they were drawn over the pixels as stored,
            `False` if they were drawn over the photo as viewers show it. Defaults to
            `None`, which is `False` with a warning where the sizes do not tell.

    Raises:
        ValueError: If an image has no mask, if the number of classes cannot be
            told, and, when a pair is read, if sizes differ or an id is out of
            range. `keras_seg.data.check_dataset` lists all problems at once.

    Example:

    ```python
    import os
    import tempfile

    import numpy as np
    from PIL import Image

    from keras_seg.data import SegmentationFolder

    with tempfile.TemporaryDirectory() as folder:
        for name in ("images", "masks"):
            os.mkdir(os.path.join(folder, name))
        Image.new("RGB", (8, 6)).save(os.path.join(folder, "images", "a.jpg"))
        mask = np.full((6, 8), 255, "uint8")
        mask[0, 0] = 0
        Image.fromarray(mask).save(os.path.join(folder, "masks", "a.png"))
        source = SegmentationFolder(
            os.path.join(folder, "images"),
            os.path.join(folder, "masks"),
            class_names=["background", "leaf"],
            id_map={255: 1},
        )
        image, label = source[0]
    print(len(source), image.shape, np.unique(label))  # 1 (6, 8, 3) [0 1]
    ```
    """

    def __init__(
        self,
        images,
        masks,
        num_classes=None,
        class_names=None,
        void_ids=(),
        id_map=None,
        mask_palette=None,
        palette=None,
        ignore_class=255,
        mask_suffix=None,
        turn_masks=None,
    ) -> None:
        if num_classes is None and class_names is None:
            raise ValueError(
                "Give `num_classes=` or `class_names=`: the ids in a few masks do "
                "not tell how many classes there are. "
                "`keras_seg.data.check_dataset((images, masks))` shows which ids "
                "the masks hold."
            )
        self.num_classes, self.class_names, self.palette = resolve_classes(
            num_classes, class_names, palette, ignore_class
        )
        folder = images if isinstance(images, (str, bytes, os.PathLike)) else None
        self.pairs = require_pairs(images, masks, mask_suffix)
        self.ignore_class = ignore_class
        self.void_ids = tuple(void_ids)
        self.id_map = dict(id_map or {})
        self.mask_palette = mask_palette
        self.turn_masks = turn_masks
        self.names = _names([image for image, _ in self.pairs], folder)
        self._warned_of_turn = False
        self._white_masks = 0  # read so far; `None` once that is settled

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image_path, mask_path = self.pairs[index]
        image, orientation = decode_image(image_path)
        ids = self.read_ids(mask_path)
        if orientation != 1:
            ids = self._turned(ids, image, orientation, image_path, mask_path)
        if image.shape[:2] != ids.shape:
            fix = "Resize the mask with nearest neighbour, if it shows the whole image."
            if image.shape[:2] == ids.shape[::-1]:
                fix = "One is turned against the other: rotate it, do not resize it."
            raise ValueError(
                f"{image_path!r} has {image.shape[0]} x {image.shape[1]} pixels and "
                f"its mask {mask_path!r} {ids.shape[0]} x {ids.shape[1]}; they "
                f"must be of one size. {fix}"
            )
        label = self.map_ids(ids)
        if self._white_masks is not None:
            self._watch(ids)
        what = f"mask {mask_path!r}"
        require_class_ids(label, self.num_classes, self.ignore_class, what)
        return image, label.astype(narrowest_dtype(self.num_classes, self.ignore_class))

    def size_of(self, index):
        """Returns height and width of an image, without decoding it.

        Args:
            index: Integer.

        Returns:
            A tuple `(height, width)`.
        """
        return image_size(self.pairs[index][0])

    def read_ids(self, mask_path):
        """Returns the ids of a mask file as they stand there.

        Args:
            mask_path: Path of the file.

        Returns:
            An integer array of shape `(height, width)`.
        """
        return read_mask(mask_path, self.mask_palette)

    def map_ids(self, mask):
        """Applies `id_map` and `void_ids` to the ids of a mask file.

        Args:
            mask: Integer array of shape `(height, width)`.

        Returns:
            An integer array of the same shape.
        """
        return map_ids(mask, self.id_map, self.void_ids, self.ignore_class)

    def _turned(self, ids, image, orientation, image_path, mask_path):
        own = mask_orientation(mask_path) if is_image_name(mask_path) else 1
        if self.turn_masks and own == 1:
            return turn_array(ids, orientation)
        apart = turned_apart(image.shape[:2], ids.shape, orientation, own)
        said = (
            f"The photo {image_path!r} is {DESCRIPTIONS[orientation]} by its EXIF "
            f"orientation ({orientation}), and its mask {mask_path!r} has none"
        )
        fix = (
            "turn_masks=True if masks were drawn over the pixels as stored (the sizes "
            "agree then)"
        )
        if apart == "certain":
            raise ValueError(
                f"{said}: height and width are swapped, {image.shape[0]} x "
                f"{image.shape[1]} and {ids.shape[0]} x {ids.shape[1]}. Pass {fix}. Do "
                "not resize the mask."
            )
        unsure = self.turn_masks is None and not self._warned_of_turn
        if apart == "possible" and unsure:
            warnings.warn(
                f"{said}. Pass {fix.split(' (')[0]}, or turn_masks=False if over the "
                "photo as viewers show it, which is assumed.",
                stacklevel=3,
            )
            self._warned_of_turn = True
        return ids

    def _watch(self, ids):
        """Warns if the first masks hold nothing but 0 and 255, which is void."""
        known = self.ignore_class != 255 or 255 in (*self.id_map, *self.void_ids)
        if known or not ((ids == 0) | (ids == 255)).all():
            self._white_masks = None
            return
        self._white_masks += bool((ids == 255).any())
        if self._white_masks >= min(WATCHED_MASKS, len(self)):
            warnings.warn(
                f"The first {self._white_masks} masks hold only 0 and 255, and 255 is "
                "the void label (ignore_class=255): only class 0 can be learnt. If "
                "white is a class, pass id_map={255: 1}.",
                stacklevel=3,
            )
            self._white_masks = None


def _names(paths, folder):
    """Paths without extension: in a folder, or of a list as short as they differ."""
    paths = [os.path.splitext(os.fsdecode(path))[0] for path in paths]
    if folder:
        return [os.path.relpath(path, os.fsdecode(folder)) for path in paths]
    names = [os.path.basename(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    paths = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in paths])
    return [os.path.relpath(path, common) for path in paths]
