"""A data source over tensorflow-datasets."""

import numpy as np

from keras_seg.data.files.label_ids import (
    map_ids,
    narrowest_dtype,
    require_class_ids,
)
from keras_seg.data.sources.ade20k import ADE20K_COLOURS, ADE20K_STUFF
from keras_seg.data.sources.cityscapes import (
    CITYSCAPES_COLOURS,
    CITYSCAPES_LABEL_IDS,
)
from keras_seg.data.sources.class_arguments import resolve_classes


def _known_data():
    """Arguments for the data sets whose conventions we know."""
    things = [name for name in ADE20K_COLOURS if name not in ADE20K_STUFF]
    ade20k, city = list(ADE20K_COLOURS), dict(CITYSCAPES_COLOURS)
    return {
        "scene_parse150": {
            "label_key": "annotation",
            "label_channel": 0,  # the next one counts the instances
            "colours": ADE20K_COLOURS,
            "void_ids": (0, *range(len(things) + 1, 256)),
            "id_map": {i + 1: ade20k.index(name) for i, name in enumerate(things)},
            "splits": {"val": "test"},
        },
        "cityscapes": {
            "image_key": "image_left",
            "label_key": "segmentation_label",
            "colours": city,
            "void_ids": [i for i in range(256) if i not in CITYSCAPES_LABEL_IDS],
            "id_map": {old: new for new, old in enumerate(CITYSCAPES_LABEL_IDS)},
            "splits": {"val": "validation"},
        },
    }


class TFDSSource:
    """Images and label maps of a data set of tensorflow-datasets.

    It reads them by index, without TensorFlow in the pipeline, which asks for a data
    set prepared in the format `array_record`; tensorflow-datasets has no `tf.data`
    pipelines of that format, and no access by index to `tfrecord`. Of
    `"scene_parse150"` (ADE20K) and `"cityscapes"` all conventions are known; other
    data sets need `label_key`, the classes, and what their ids mean.

    `"scene_parse150"` holds the annotation of instances. It knows the 100 kinds of
    things among the 150 classes; walls, sky, floors and all other stuff are unlabelled
    in it, and void here. Train and compare with `keras_seg.data.ADE20K`.

    Args:
        data: Name of a data set, perhaps with config and version, or what
            `tensorflow_datasets.data_source` returned.
        split: Name of a split, or a part of it such as `"train[:10%]"`.
        image_key: String, the feature of the image. Defaults to `"image"`.
        label_key: String, the feature of the label map.
        label_channel: Integer. Which channel of the label map holds the ids, if it has
            several.
        num_classes: Integer. Defaults to the length of `class_names`.
        class_names: List of strings.
        void_ids: Ids that mean void, such as `(0,)`.
        id_map: Dict from ids of the label maps to class ids.
        palette: Array of shape `(num_classes, 3)`.
        ignore_class: Integer, the id of void. Defaults to 255.
        data_dir: Folder of tensorflow-datasets. Defaults to its own.
        download: Boolean. Whether to download and prepare a data set that is not there.

    Raises:
        ModuleNotFoundError: If tensorflow-datasets is not installed.
        ValueError: If the data set cannot be opened, the classes are not given, or,
            when a pair is read, if it lacks a feature or has unfit values.

    Example:

    ```python
    import numpy as np

    from keras_seg.data import TFDSSource

    # In place of tfds.data_source("oxford_iiit_pet", split="train"):
    examples = [
        {
            "image": np.zeros((4, 6, 3), "uint8"),
            "segmentation_mask": np.full((4, 6, 1), 3, "uint8"),
        }
    ]
    source = TFDSSource(
        examples,
        label_key="segmentation_mask",
        class_names=["pet", "background", "border"],
        id_map={1: 0, 2: 1, 3: 2},
    )
    image, label = source[0]
    print(np.unique(label))  # [2]
    ```
    """

    def __init__(
        self,
        data,
        split="train",
        image_key=None,
        label_key=None,
        label_channel=None,
        num_classes=None,
        class_names=None,
        void_ids=None,
        id_map=None,
        palette=None,
        ignore_class=255,
        data_dir=None,
        download=False,
    ) -> None:
        known = {}
        if isinstance(data, str):
            known = _known_data().get(data.split("/")[0].split(":")[0], {})
            if split == "val":
                split = _val_split(data, data_dir) or split
            data = _open(data, split, data_dir, download)
        self.split = split
        colours = known.get("colours")
        if colours and class_names is None and num_classes is None:
            class_names, palette = list(colours), palette or list(colours.values())
        label_key = label_key or known.get("label_key")
        if (class_names is None and num_classes is None) or label_key is None:
            raise ValueError(
                "Give `label_key=` and `class_names=` or `num_classes=`: only "
                f"{', '.join(_known_data())} are known. Received: "
                f"label_key={label_key!r}, class_names={class_names}."
            )
        self.data = data
        self.num_classes, self.class_names, self.palette = resolve_classes(
            num_classes, class_names, palette, ignore_class
        )
        self.image_key = image_key or known.get("image_key", "image")
        self.label_key = label_key
        self.label_channel = (
            known.get("label_channel") if label_channel is None else label_channel
        )
        self.void_ids = tuple(
            known.get("void_ids", ()) if void_ids is None else void_ids
        )
        self.id_map = dict(known.get("id_map", {}) if id_map is None else id_map)
        self.ignore_class = ignore_class
        self.names = [f"{index:06d}" for index in range(len(data))]

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        example = self.data[index]
        for key in (self.image_key, self.label_key):
            if key not in example:
                raise ValueError(
                    f"Example {index} has no feature {key!r}. It has: "
                    f"{sorted(example)}. Name them with `image_key` and `label_key`."
                )
        image = np.asarray(example[self.image_key])
        if image.ndim == 3 and image.shape[-1] == 1:
            image = np.repeat(image, 3, axis=-1)
        mask = self._ids(index, np.asarray(example[self.label_key]))
        if image.shape != (*mask.shape, 3) or image.dtype != np.uint8:
            raise ValueError(
                f"Example {index}: {self.image_key!r} is {image.dtype} of shape "
                f"{image.shape} and {self.label_key!r} of shape {mask.shape}, expected "
                "a uint8 image (height, width, 3) and ids of the same size."
            )
        label = map_ids(mask, self.id_map, self.void_ids, self.ignore_class)
        what = f"label map {self.label_key!r} of example {index}"
        require_class_ids(label, self.num_classes, self.ignore_class, what)
        return image, label.astype(narrowest_dtype(self.num_classes, self.ignore_class))

    def _ids(self, index, mask):
        if mask.ndim == 2:
            return mask
        if mask.ndim == 3 and mask.shape[-1] == 1:
            return mask[..., 0]
        if mask.ndim != 3 or self.label_channel is None:
            raise ValueError(
                f"The label map {self.label_key!r} of example {index} has the shape "
                f"{mask.shape}, expected one id a pixel. If one of several channels "
                "holds the ids, name it with `label_channel`."
            )
        return mask[..., self.label_channel]


def has_val(name, data_dir=None):
    """Whether a data set of tensorflow-datasets has a split for validation.

    Args:
        name: String, also with the prefix `"tfds:"`.
        data_dir: Folder of tensorflow-datasets. Defaults to its own.
    """
    return _val_split(name.removeprefix("tfds:"), data_dir) is not None


def _val_split(name, data_dir):
    """The name of the split that is `"val"`, or `None`."""
    known = _known_data().get(name.split("/")[0].split(":")[0], {})
    if "splits" in known:
        return known["splits"]["val"]
    try:
        names = _import_tfds(name).builder(name, data_dir=data_dir).info.splits
    except (ValueError, OSError, LookupError):
        return None  # `_open` says what is wrong
    return next((x for x in ("val", "validation", "valid") if x in names), None)


def _import_tfds(name):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ModuleNotFoundError(
            f"Reading {name!r} needs tensorflow-datasets: pip install "
            "'keras-seg[tfds]'."
        ) from error
    return tfds


def _open(name, split, data_dir, download):
    tfds = _import_tfds(name)
    try:
        return tfds.data_source(
            name,
            split=split,
            data_dir=data_dir,
            download=download,
            builder_kwargs={"file_format": "array_record"},
        )
    except Exception as error:  # whatever the library raises, the ways on are the same
        if "TFRECORD" in str(error):
            raise ValueError(
                f"{name!r} in {data_dir or 'the folder of tensorflow-datasets'} is "
                "stored as tfrecord, which cannot be read by index. Prepare it in "
                "another data_dir with tfds.builder(name, data_dir=data_dir, "
                "file_format='array_record').download_and_prepare(), or train on its "
                "tf.data pipeline, see docs/other_data_pipelines.md."
            ) from error
        if isinstance(error, ImportError):
            raise ModuleNotFoundError(
                f"Reading {name!r} by index needs array_record, which has no builds "
                f"for some systems and versions of Python: {error}. Try: pip install "
                "array_record."
            ) from error
        raise ValueError(
            f"tensorflow-datasets cannot open {name!r}, split {split!r}, in "
            f"{data_dir or 'its own folder'}: {type(error).__name__}: {error}. Pass "
            "download=True to prepare it, or `data_dir` where it has been prepared in "
            "the format array_record."
        ) from error
