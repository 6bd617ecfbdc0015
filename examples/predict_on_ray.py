"""Segments many images on a Ray cluster, with Ray Data.

    pip install "keras-seg[torch,ray]"
    KERAS_BACKEND=torch python examples/predict_on_ray.py PHOTOS MORE_PHOTOS \
        --preset ecenet/camvid --output segmented --actors 8 --gpus 1

    python examples/predict_on_ray.py paths.parquet --output segmented

Images come from folders, with the folders below them, and from Parquet files with a
column `path`. Images and output must have the same paths on all nodes, as on a shared
file system. Each actor loads the model once. The output folder gets

- `labels/PATH.png`: the label map of each image, with the palette of the model; PATH is
  the absolute path of the image
- `shares.parquet`: for each image its size and the share of each class
- `failed.csv`: images that cannot be read, with the reason. They end nothing.
- `parts/`: what is done, a file per batch. A second start leaves these images out.

Every file replaces the one before in a single step. The images of a node that dies are
segmented again on the others. If all nodes die, start the command again.
"""

import argparse
import csv
import hashlib
import os
import pathlib
import sys
import time

LABELS, PARTS = "labels", "parts"
UNFINISHED = "unfinished-"  # the beginning of the name of a file that is being written
ATTEMPTS = 3  # to segment at least one image, before an error is reported
PAUSE = 10  # seconds between them


def find_paths(inputs):
    """Absolute paths of all images, each once.

    Args:
        inputs: List of folders and Parquet files.

    Raises:
        ValueError: If there is no such folder or column.
    """
    import pyarrow.parquet

    from keras_seg.data.files.list_images import list_images

    paths = []
    for place in inputs:
        if place.endswith(".parquet"):
            table = pyarrow.parquet.read_table(place)
            if "path" not in table.column_names:
                raise ValueError(
                    f"{place} has no column 'path'. Columns: {table.column_names}."
                )
            paths.extend(table["path"].to_pylist())
        else:
            paths.extend(path for _, path in list_images(place))
    return list(dict.fromkeys(os.path.abspath(path) for path in paths))


def label_path(output, image):
    """The path of the label map of an image."""
    relative = pathlib.PurePath(image).relative_to(pathlib.PurePath(image).anchor)
    return pathlib.Path(output, LABELS, f"{relative}.png")


def read_parts(output):
    """All rows of the batches that are done: dictionary from images to rows."""
    import pyarrow.parquet

    rows = {}
    for part in sorted(pathlib.Path(output, PARTS).glob("*.parquet")):
        if part.name.startswith(UNFINISHED):
            continue
        for row in pyarrow.parquet.read_table(part).to_pylist():
            if rows.get(row["image"], row)["error"] is not None or not row["error"]:
                rows[row["image"]] = row
    return rows


def not_done(paths, output, retry=True):
    """The images without shares or label map; with `retry` also those that failed."""
    done = {
        image
        for image, row in read_parts(output).items()
        if (label_path(output, image).exists() if row["error"] is None else not retry)
    }
    return [path for path in paths if path not in done]


class Segmenter:
    """An actor: a model that segments the images of a batch and writes the results.

    Args:
        preset: String, see `keras_seg.models.load_model`.
        output: Path of the output folder.
        long_side: Integer or `None`, see `keras_seg.inference.segment`.
    """

    def __init__(self, preset, output, long_side=None):
        from keras_seg.data.palette import default_palette
        from keras_seg.models import load_model
        from keras_seg_cli.class_shares import share_names

        self.model = load_model(preset)
        self.output, self.long_side = pathlib.Path(output), long_side
        self.palette = self.model.palette or default_palette(self.model.num_classes)
        self.names = share_names(self.model.class_names, self.model.num_classes)

    def __call__(self, batch):
        rows = [self._segment(str(path)) for path in batch["path"]]
        write_part(self.output, rows)
        return {
            "image": [row["image"] for row in rows],
            "error": [row["error"] or "" for row in rows],
        }

    def _segment(self, path):
        from keras_seg.inference import segment
        from keras_seg.training.replace_file import replace_file
        from keras_seg.visualization import label_png
        from keras_seg_cli.class_shares import class_shares
        from keras_seg_runtime.images.read_image import read_image

        row = {"image": path, "error": None, "width": None, "height": None}
        try:
            image = read_image(path)
        except (OSError, ValueError) as error:
            return {**row, "error": " ".join(str(error).split())} | dict.fromkeys(
                self.names
            )
        labels = segment(self.model, image, long_side=self.long_side)
        target = label_path(self.output, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(target) as unfinished:
            label_png(labels, self.palette).save(unfinished, "PNG")
        shares = class_shares(labels, self.names, self.model.ignore_class)
        row["height"], row["width"] = labels.shape
        return {**row, **dict.fromkeys(self.names, 0.0), **shares}


def table_of(rows):
    """A table whose columns have the same types with any rows."""
    import pyarrow

    types = {"image": "string", "error": "string", "width": "int64", "height": "int64"}
    names = list(rows[0])
    fields = [(name, getattr(pyarrow, types.get(name, "float64"))()) for name in names]
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))


def write_part(output, rows):
    """Writes the rows of a batch to a file whose name depends on its images alone."""
    import pyarrow.parquet

    from keras_seg.training.replace_file import replace_file

    images = "\n".join(sorted(row["image"] for row in rows))
    name = hashlib.sha256(images.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    folder = pathlib.Path(output, PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / f"{name}.parquet") as unfinished:
        pyarrow.parquet.write_table(table_of(rows), unfinished)


def delete_unfinished(output, images):
    """Deletes what actors have left that were killed while they wrote a file."""
    targets = {label_path(output, image) for image in images}
    drafts = {path.with_name(UNFINISHED + path.name) for path in targets}
    drafts.update(pathlib.Path(output, PARTS).glob(f"{UNFINISHED}*"))
    for path in drafts - targets:
        path.unlink(missing_ok=True)


def write_results(output):
    """Writes `shares.parquet` and `failed.csv` from all parts.

    Returns:
        Numbers of images that were segmented and that failed.
    """
    import pyarrow.parquet

    from keras_seg.training.replace_file import replace_file

    rows = [row for _, row in sorted(read_parts(output).items())]
    failed = [row for row in rows if row["error"] is not None]
    good = [row for row in rows if row["error"] is None]
    output = pathlib.Path(output)
    if good:
        with replace_file(output / "shares.parquet") as unfinished:
            table = table_of(good).drop_columns(["error"])
            pyarrow.parquet.write_table(table, unfinished)
    with replace_file(output / "failed.csv") as unfinished:
        with open(unfinished, "w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["image", "error"])
            lines.writerows((row["image"], row["error"]) for row in failed)
    return len(good), len(failed)


def no_retries():
    """Arguments of an actor that is not started again when its node dies."""
    return {"max_restarts": 0, "max_task_retries": 0}


def segment_all(paths, args):
    """Segments images with a pool of actors; yields the batches that are done.

    A batch whose actor dies is left out; `main` lists what is missing and begins again.
    Ray's own retries would wait for an actor that may find no place on the nodes left.
    """
    import ray

    ray.data.DataContext.get_current().max_errored_blocks = -1
    # Small blocks: a node that dies takes little work with it. They are made without
    # tasks, which would wait for ever where the actors take all CPUs.
    dataset = ray.data.from_items(
        [{"path": path} for path in paths],
        override_num_blocks=-(-len(paths) // args.batch_size),
    )
    dataset = dataset.map_batches(
        Segmenter,
        fn_constructor_args=(args.preset, os.path.abspath(args.output), args.long_side),
        batch_size=args.batch_size,
        compute=ray.data.ActorPoolStrategy(size=args.actors),
        num_cpus=args.cpus,
        num_gpus=args.gpus or None,
        ray_remote_args_fn=no_retries,
    )
    yield from dataset.iter_batches(batch_size=None, prefetch_batches=0)


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="folders or Parquet files")
    add("--output", required=True, help="folder on a file system of all nodes")
    add("--preset", default="ecenet/camvid", help="name or folder of a preset")
    add("--actors", type=int, default=1, help="number of models at work")
    add("--cpus", type=float, default=1, help="CPUs of each actor")
    add("--gpus", type=float, default=0, help="GPUs of each actor")
    add("--batch-size", type=int, default=8, help="images that are written together")
    add("--long-side", type=int, help="shrink images to this before they are segmented")
    add("--address", help="of the cluster; by default that of RAY_ADDRESS, or this PC")
    return parser.parse_args(arguments)


def main(arguments=None):
    args = parse(arguments)
    try:
        paths = find_paths(args.inputs)
    except (OSError, ValueError) as error:
        return f"error: {error}"
    waiting = not_done(paths, args.output)
    print(f"{len(paths)} images, {len(paths) - len(waiting)} of them done", flush=True)
    attempts = 0
    while waiting:
        problem = run_once(waiting, args)
        # A row may be of an earlier start, and its label map deleted since.
        missing = not_done(paths, args.output, retry=False)
        attempts = attempts + 1 if len(missing) == len(waiting) else 0
        if attempts == ATTEMPTS:
            return f"error: none of {len(missing)} images was segmented: {problem}"
        if attempts:
            time.sleep(PAUSE)  # Ray may not know yet that a node is dead
        if missing:
            print(f"{len(missing)} images are missing and are done again", flush=True)
        waiting = missing
    delete_unfinished(args.output, paths)
    segmented, failed = write_results(args.output)
    print(f"{segmented} segmented, {failed} failed, see {args.output}")
    return 1 if failed else 0


def run_once(waiting, args):
    """Segments images; returns the error that ended it, or `None`."""
    import ray

    if not ray.is_initialized():
        backend = {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow")}
        ray.init(address=args.address, runtime_env={"env_vars": backend})
    done = 0
    try:
        for batch in segment_all(waiting, args):
            done += len(batch["image"])
            print(f"{done} of {len(waiting)}", flush=True)
    except ray.exceptions.RayError as error:
        return error
    return "see the log of Ray above"


if __name__ == "__main__":
    sys.exit(main())
