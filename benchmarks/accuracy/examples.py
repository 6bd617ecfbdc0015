r"""Draws the best, the median and the worst image of a model, beside their truth.

    python benchmarks/accuracy/examples.py --run runs/accuracy/camvid ecenet 0 \
        --data-dir CAMVID --output runs/examples
    python benchmarks/accuracy/examples.py --preset ecenet/camvid --split test \
        --data camvid --data-dir CAMVID --output runs/examples

Images are ordered by the mean IoU of the classes that occur in them. Each picture shows
the image, its truth and the prediction.
"""

import argparse
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from recipe import add_recipe, open_split, recipe_of


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument(
        "--run", nargs=3, metavar=("DIR", "ENTRY", "SEED"), help="a run of run.py"
    )
    model.add_argument("--preset", metavar="NAME")
    add("--split", default="val", metavar="NAME")
    add("--limit", type=int, metavar="N", help="only the first N images")
    add("--leave-out", nargs="+", default=[], metavar="IMAGE", help="wrong label maps")
    add("--output", type=pathlib.Path, required=True, metavar="DIR")
    add_recipe(parser)
    options = parser.parse_args()
    model, source, scores = model_of_run(options) if options.run else preset(options)
    for name in options.leave_out:
        if name not in source.names:
            parser.error(f"--leave-out: there is no image {name} in {options.split}.")
    from scores import scores_on

    from keras_seg.training.report_pictures import draw_examples

    if scores is None:
        scores = scores_on(model, source, options.limit)["image_iou"]
    for name in options.leave_out:
        if source.names.index(name) < len(scores):
            scores[source.names.index(name)] = float("nan")
    options.output.mkdir(parents=True, exist_ok=True)
    shown = draw_examples(
        types.SimpleNamespace(long_side=None),
        model,
        source,
        scores,
        options.output,
        options.split,
    )
    for title, (name, score) in shown.items():
        print(f"{title}: {name}, mean IoU {score:.1%}")
    print(f"See {options.output / 'report'}")


def model_of_run(options):
    """A trained entry, its data, and the scores of the images from its results."""
    from trained import load_entry

    folder, entry, seed = options.run
    model, source, line = load_entry(options, folder, entry, int(seed), options.split)
    return model, source, line[options.split]["image_iou"]


def preset(options):
    """A preset and its data; its scores are not known yet."""
    from keras_seg.models import load_model

    source = open_split(recipe_of(options), options.split)
    return load_model(options.preset), source, None


if __name__ == "__main__":
    main()
