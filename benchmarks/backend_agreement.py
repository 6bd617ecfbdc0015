"""How far the labels of one model agree between the backends.

    for backend in tensorflow jax torch; do
        KERAS_BACKEND=$backend python benchmarks/backend_agreement.py \
            --data-dir CAMVID --labels $backend.npz
    done
    python benchmarks/backend_agreement.py --compare tensorflow.npz jax.npz torch.npz

The first command segments the test split and saves its label maps with the true ones
(for other data give `--images` and `--masks`, two folders, in place of `--data-dir`);
the second prints the share of pixels, void included, that are equal in two files, and
the mean IoU of each.
"""

import argparse
import itertools
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


def save_labels(options):
    import keras
    from tqdm import tqdm

    import keras_seg

    model = keras_seg.models.load_model(options.preset)
    if options.data_dir:
        source = keras_seg.data.CamVid(options.data_dir, options.split)
    else:
        source = keras_seg.data.SegmentationFolder(
            options.images, options.masks, num_classes=model.num_classes
        )
    arrays = {
        "title": f"{keras.config.backend()}, keras {keras.__version__}",
        "num_classes": model.num_classes,
    }
    for i, name in enumerate(tqdm(source.names)):
        image, truth = source[i]
        arrays[f"truth/{name}"] = truth
        arrays[f"labels/{name}"] = keras_seg.inference.segment(model, image)
    np.savez_compressed(options.labels, **arrays)


def compare(paths):
    """Markdown of what two or more files of `save_labels` have in common."""
    files = {path.stem: np.load(path) for path in paths}
    names = [set(file.files) for file in files.values()]
    if any(other != names[0] for other in names):
        raise SystemExit("The files hold different images. Save all with one --split.")
    names = sorted(n.removeprefix("labels/") for n in names[0] if "labels/" in n)
    yield f"{len(names)} images\n"
    yield "| | | equal pixels | different pixels |\n|---|---|---|---|"
    for (a, labels_a), (b, labels_b) in itertools.combinations(files.items(), 2):
        different = pixels = 0
        for name in names:
            change = labels_a[f"labels/{name}"] != labels_b[f"labels/{name}"]
            different += int(change.sum())
            pixels += change.size
        share = 1 - different / pixels
        yield f"| {a} | {b} | {share:.5%} | {different:,} of {pixels:,} |"
    yield "\n| | backend | mean IoU | pixel accuracy |\n|---|---|---|---|"
    for stem, file in files.items():
        counts = sum(confusion(file, name) for name in names)
        hits, accuracy = np.diagonal(counts), np.trace(counts) / counts.sum()
        union = counts.sum(0) + counts.sum(1) - hits
        mean_iou = np.mean(hits[union > 0] / union[union > 0])
        yield f"| {stem} | {file['title']} | {mean_iou:.3%} | {accuracy:.3%} |"


def confusion(file, name):
    """Counts of pixels that are not void, `(truth, label)`."""
    k = int(file["num_classes"])
    truth, labels = (file[f"{kind}/{name}"].astype(int) for kind in ("truth", "labels"))
    counted = truth < k
    pairs = truth[counted] * k + labels[counted]
    return np.bincount(pairs, minlength=k * k).reshape(k, k)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ecenet/camvid", help="name or folder")
    parser.add_argument("--data-dir", help="folder of CamVid")
    parser.add_argument("--split", default="test", help="of CamVid")
    parser.add_argument("--images", help="folder of images of other data")
    parser.add_argument("--masks", help="folder of their masks")
    parser.add_argument("--labels", help="file to save, .npz")
    parser.add_argument("--compare", nargs="+", type=pathlib.Path, metavar="NPZ")
    options = parser.parse_args()
    if options.compare:
        print("\n".join(compare(options.compare)))
    elif options.labels and (options.data_dir or (options.images and options.masks)):
        save_labels(options)
    else:
        parser.error(
            "Give --labels with --data-dir or with --images and --masks, or --compare."
        )


if __name__ == "__main__":
    main()
