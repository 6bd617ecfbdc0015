"""A data source of image files and mask files."""

import os

import numpy as np

from keras_seg.data.distinct_colours import distinct_colours
from keras_seg.data.files.map_ids import check_ids, label_dtype, map_ids
from keras_seg.data.files.pair_files import pair_files
from keras_seg.data.files.read_image import image_size, read_image
from keras_seg.data.files.read_mask import read_mask


class SegmentationFolder:
    """Images and masks in two folders, paired by file name.

    A source is a sequence: `source[i]` is the pair of an image, a uint8 array
    `(height, width, 3)`, and a label map, an array `(height, width)` of class
    ids in which void is `ignore_class`. Files are read when asked for.

    Args:
        images: folder of the images, or list of paths.
        masks: folder of the masks, named like the images whatever the suffix,
            or list of paths in the order of the images.
        num_classes: integer. Defaults to the length of `class_names`.
        class_names: list of strings. Defaults to `"class 0"`, `"class 1"`, ...
        void_ids: ids in the mask files that mean void; they become
            `ignore_class`.
        id_map: dict from ids in the mask files to class ids, for example
            `{255: 1}`. Ids that it does not name stay as they are.
        mask_palette: list of `(r, g, b)` or dict from `(r, g, b)` to id, for
            masks painted in colours. See `keras_seg.data.files.read_mask`. `void_ids`
            and `id_map` apply to its ids.
        palette: array of shape `(num_classes, 3)`, the colours to show classes
            in. Defaults to a list of distinct colours.
        ignore_class: integer id of void. Pixels that hold it already stay void.
            Defaults to 255.

    Raises:
        ValueError: if an image has no mask, if the number of classes cannot be
            told, and, when a pair is read, if sizes differ or an id is out of
            range. `keras_seg.data.checks.check_dataset` lists all problems at once.

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
    ):
        if num_classes is None and class_names is None:
            raise ValueError(
                "Give `num_classes=` or `class_names=`: the ids in a few masks do "
                "not tell how many classes there are. "
                "`keras_seg.data.check_dataset((images, masks))` shows which ids "
                "the masks hold."
            )
        if class_names is None:
            class_names = [f"class {i}" for i in range(num_classes)]
        if num_classes is None:
            num_classes = len(class_names)
        if len(class_names) != num_classes:
            raise ValueError(
                f"`class_names` has {len(class_names)} names, expected "
                f"`num_classes={num_classes}`."
            )
        if 0 <= ignore_class < num_classes:
            raise ValueError(
                f"`ignore_class={ignore_class}` is the id of a class, since "
                f"`num_classes={num_classes}`. Choose an id outside the classes."
            )
        if palette is None:
            palette = distinct_colours(num_classes)
        self.palette = np.asarray(palette, "uint8").reshape(-1, 3)  # (K, 3)
        if len(self.palette) != num_classes:
            raise ValueError(
                f"`palette` has {len(self.palette)} colours, expected "
                f"`num_classes={num_classes}`."
            )
        self.pairs, problems = pair_files(images, masks)
        # Masks without an image harm nobody; an image without a mask does.
        problems = [p for p in problems if p[0] != "masks without image"]
        if problems:
            raise ValueError(" ".join(f"{found} {fix}" for _, found, fix in problems))
        if not self.pairs:
            raise ValueError(
                f"No image with a mask was found. Received: images={images!r}, "
                f"masks={masks!r}."
            )
        self.num_classes = num_classes
        self.class_names = list(class_names)
        self.ignore_class = ignore_class
        self.void_ids = tuple(void_ids)
        self.id_map = dict(id_map or {})
        self.mask_palette = mask_palette
        self.names = [os.path.splitext(os.path.basename(i))[0] for i, _ in self.pairs]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        image_path, mask_path = self.pairs[index]
        image = read_image(image_path)
        label = self.map_ids(self.read_ids(mask_path))
        if image.shape[:2] != label.shape:
            raise ValueError(
                f"'{image_path}' has {image.shape[0]} x {image.shape[1]} pixels and "
                f"its mask '{mask_path}' {label.shape[0]} x {label.shape[1]}; they "
                "must be of one size. Resize the mask with nearest neighbour."
            )
        check_ids(label, self.num_classes, self.ignore_class, f"mask '{mask_path}'")
        return image, label.astype(label_dtype(self.num_classes, self.ignore_class))

    def size_of(self, index):
        """Height and width of an image, without decoding it.

        Args:
            index: integer.

        Returns:
            A tuple `(height, width)`.
        """
        return image_size(self.pairs[index][0])

    def read_ids(self, mask_path):
        """The ids of a mask file as they stand there.

        Args:
            mask_path: path of the file.

        Returns:
            An integer array of shape `(height, width)`.
        """
        return read_mask(mask_path, self.mask_palette)

    def map_ids(self, mask):
        """Apply `id_map` and `void_ids` to the ids of a mask file.

        Args:
            mask: integer array of shape `(height, width)`.

        Returns:
            An integer array of the same shape.
        """
        return map_ids(mask, self.id_map, self.void_ids, self.ignore_class)
