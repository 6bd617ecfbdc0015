"""Trains every entry for some steps on made-up scenes, on any backend.

    KERAS_BACKEND=torch python benchmarks/accuracy/smoke.py --entries ecenet fpn

It needs no data and no weights. It checks that each entry trains, that its head has the
learning rate of heads, that a run that is done is left out, and that the table is made.
"""

import argparse
import math
import pathlib
import sys
import tempfile
import time

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import run
import table
from entries import ENTRIES, build_entry
from recipe import open_sources, recipe_of


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", nargs="+", default=list(ENTRIES), choices=ENTRIES)
    parser.add_argument("--stride-32", action="store_true", help="P5 alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        make_scenes(root / "data")
        for entry in options.entries:
            start = time.monotonic()
            words = words_for(root, entry, options.stride_32)
            try_entry(run.parse_arguments(words), entry)
            print(f"{entry}: {time.monotonic() - start:.0f} s", flush=True)
        print(table.write(root / "out"))


def words_for(root, entry, stride_32=False):
    text = (
        f"--data camvid --data-dir {root}/data --output {root}/out --entries {entry} "
        "--epochs 1 --steps-per-epoch 5 --batch-size 2 --crop-size 64 64 --workers 0 "
        f"--hidden-dim 16 --share 0.5{' --pyramid-levels P5' if stride_32 else ''}"
    )
    return text.split()


def try_entry(options, entry):
    import keras

    recipe = recipe_of(options)
    run.check_recipe(options.output, recipe)
    line = run.train_entry(options, entry, 0)
    values = [line["val"][name] for name in table.METRICS]
    if not all(math.isfinite(x) and 0 <= x <= 1 for x in values):
        raise SystemExit(f"{entry}: scores out of range, {values}")
    run.append_line(options.output / run.RESULTS, line)
    if not run.is_done(options.output, entry, 0):
        raise SystemExit(f"{entry}: the run is not seen as done")
    model = build_entry(entry, open_sources(recipe)[0], recipe)
    backbone = {id(v) for v in model.backbone.variables}
    strange = [
        v.path
        for v in model.trainable_variables
        if id(v) not in backbone and not v.path.startswith("head/")
    ]
    if strange:
        raise SystemExit(f"{entry}: not at the learning rate of heads: {strange}")
    keras.utils.clear_session()


def make_scenes(root):
    """Images of 64 x 96 pixels in the folders of CamVid; classes are colours."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (12, 3))
    for split, count in (("train", 6), ("val", 2)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for index in range(count):
            coarse = rng.integers(0, 12, (4, 6))
            label = np.kron(coarse, np.ones((16, 16), int)).astype("uint8")
            image = colours[label] + rng.integers(-20, 20, (*label.shape, 3))
            image = np.clip(image, 0, 255).astype("uint8")
            name = f"{index:03d}.png"
            Image.fromarray(image).save(root / "images" / split / name)
            Image.fromarray(label).save(root / "labels" / split / name)


if __name__ == "__main__":
    main()
