"""The sources that a run trains on and is measured on."""

from keras_seg import data
from keras_seg.training.run_error import RunError


def open_data(args):
    """Opens the data of a run; folders of the user's own are checked.

    Args:
        args: Namespace, see `keras_seg.training.train_arguments.train_arguments`.

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
    from keras_seg.training.train_arguments import train_arguments

    with tempfile.TemporaryDirectory() as folder:
        for name, mode in (("images", "RGB"), ("masks", "L")):
            os.mkdir(os.path.join(folder, name))
            Image.new(mode, (8, 6)).save(os.path.join(folder, name, "a.png"))
        words = f"--data folder --images {folder}/images --masks {folder}/masks"
        args = train_arguments([*words.split(), "--num-classes=2", "--output=run"])
        source, held_out = open_data(args)
    print(len(source), held_out)  # 1 {}
    ```
    """
    if args.data != "folder":
        held_out = ["val"]
        if args.data == "camvid" and not args.no_test:
            held_out.append("test")
        return data.load_source(args.data, args.data_dir, args.split), {
            split: data.load_source(args.data, args.data_dir, split)
            for split in held_out
            if split not in args.split.split("+")
        }
    folders = {"train": (args.images, args.masks)}
    if args.val_images:
        folders["val"] = (args.val_images, args.val_masks)
    sources = {
        name: data.SegmentationFolder(
            *folder,
            num_classes=args.num_classes,
            class_names=args.class_names,
            void_ids=args.void_ids,
        )
        for name, folder in folders.items()
    }
    for name, source in sources.items():
        print(f"{name}:")
        if not data.check_dataset(source).ok:
            raise RunError(f"The {name} data have errors; see above for the fixes.")
    return sources.pop("train"), sources
