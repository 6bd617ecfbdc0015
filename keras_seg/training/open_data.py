"""The sources that a run trains on and is measured on."""

import pathlib

import numpy as np

from keras_seg import data
from keras_seg.data.sources.tfds_source import has_val
from keras_seg.training.id_options import id_options
from keras_seg.training.run_error import RunError
from keras_seg.training.split_source import split_source

TFDS_OPTIONS = (
    "image_key",
    "label_key",
    "label_channel",
    "class_names",
    "num_classes",
)


def open_data(args):
    """Opens the data of a run; folders of the user's own are checked.

    Args:
        args: Namespace, see `keras_seg.training.settings.resolve_settings`.

    Returns:
        The source for training, and a dictionary from `"val"` and `"test"` to the
        sources that the model may be measured on.

    Raises:
        RunError: If the check finds errors.

    Example:

    ```python
    import os
    import tempfile

    from PIL import Image

    from keras_seg.training.open_data import open_data
    from keras_seg.training.settings import resolve_settings

    with tempfile.TemporaryDirectory() as folder:
        given = {"output": f"{folder}/run", "num_classes": 2}
        for name, mode in (("images", "RGB"), ("masks", "L")):
            given[name] = os.path.join(folder, name)
            os.mkdir(given[name])
            Image.new(mode, (8, 6)).save(os.path.join(given[name], "a.png"))
        source, held_out = open_data(resolve_settings(given))
    print(len(source), held_out)  # 1 {}
    ```
    """
    if args.data == "folder":
        return _open_folders(args)
    held_out = ["val"]
    if args.data == "camvid" and not args.no_test:
        held_out.append("test")
    options = {}
    if args.data.startswith("tfds:"):
        options = {
            name: getattr(args, name)
            for name in TFDS_OPTIONS
            if getattr(args, name) is not None
        }
        options.update(_ids(args))
    source = data.load_source(args.data, args.data_dir, args.split, **options)
    if args.data.startswith("tfds:") and not has_val(args.data, args.data_dir):
        return with_split(args, source)
    parts = [part.split("[")[0] for part in args.split.split("+")]
    sources = {
        split: data.load_source(args.data, args.data_dir, split, **options)
        for split in held_out
        if split not in parts
    }
    trained = {image for image, _ in getattr(source, "pairs", ())}
    for split, held in list(sources.items()):
        shown = {image for image, _ in getattr(held, "pairs", ())}
        # Sources of tensorflow-datasets have the name that `val` stands for.
        if getattr(held, "split", None) in parts or shown & trained:
            print(f"No {split}: --split {args.split} trains on its images.")
            del sources[split]
    return source, sources


def _open_folders(args):
    folders = {"train": (args.images, args.masks)}
    if args.val_images:
        folders["val"] = (args.val_images, args.val_masks)
    sources = {
        name: data.SegmentationFolder(
            *folder,
            num_classes=args.num_classes,
            class_names=args.class_names,
            **_ids(args),
        )
        for name, folder in folders.items()
    }
    for name, source in sources.items():
        print(f"{name if args.val_images else 'data'}:")
        if not data.check_dataset(source).ok:
            raise RunError(f"The {name} data have errors; see above for the fixes.")
    train = sources.pop("train")
    return (train, sources) if sources else with_split(args, train)


def _ids(args):
    classes = args.num_classes or len(args.class_names or ())
    return id_options(classes, args.void_ids, args.first_id)


def check_labelled(held_out):
    """Raises a `RunError` if all pixels of a source to measure on are void.

    Args:
        held_out: Dictionary from the names of splits to sources. Of each, images are
            read up to the first with a labelled pixel.
    """
    for split, source in held_out.items():
        ignore_class = getattr(source, "ignore_class", 255)
        labels = (np.asarray(source[i][1]) for i in range(len(source)))
        if not any((label != ignore_class).any() for label in labels):
            raise RunError(
                f"All pixels of the {len(source)} label maps of {split} are void "
                f"({ignore_class}): nothing can be measured. Check the ids of the "
                "masks, or give other images for it."
            )


def with_split(args, source):
    """Keeps a part of a source for validation, if the run asks for it.

    Args:
        args: Namespace of all settings.
        source: Source.

    Returns:
        The source for training, and a dictionary with `"val"` if there is one.
    """
    if not args.val_share:
        return source, {}
    folder = pathlib.Path(args.output)
    train, val = split_source(source, args.val_share, args.seed, folder)
    return train, {} if val is None else {"val": val}
