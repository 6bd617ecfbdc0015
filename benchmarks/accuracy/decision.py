r"""Argmax against labels of the highest expected IoU, on data unknown to a model.

    python benchmarks/accuracy/decision.py cache --preset cpt/camvid \
        --data camvid --data-dir CAMVID --split test --output runs/decision/cpt
    python benchmarks/accuracy/decision.py measure --logits runs/decision/cpt

`cache` writes the logits of the head for each image, 60 images a call, until all are
done. `measure` compares the rules of `decision_rules.py` on them and prints a line of
JSON. The rule of the whole data set takes its constants for each half of the images
from the probabilities of the other half, never from labels. `ms` is CPU time.
"""

import argparse
import json
import pathlib
import sys
import time

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from decision_rules import best_labels, data_set_constants, scores_of

PIXELS = 1000  # of an image, for the constants of a data set


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    cache = commands.add_parser("cache", help="write the logits of a model")
    add = cache.add_argument
    add("--preset", required=True, metavar="NAME")
    add("--data", choices=["camvid", "folder"], default="camvid")
    add("--data-dir", metavar="DIR")
    add("--split", default="test")
    add("--images", metavar="DIR", help="--data folder")
    add("--masks", metavar="DIR", help="--data folder")
    add("--images-a-call", type=int, default=60, metavar="N")
    add("--output", type=pathlib.Path, required=True, metavar="DIR")
    measure = commands.add_parser("measure", help="compare the rules")
    add = measure.add_argument
    add("--logits", type=pathlib.Path, required=True, metavar="DIR")
    add("--stride", type=int, default=2, help="measure every N-th row and column")
    add("--reference", metavar="DIR", help="where the package rankseg is installed")
    options = parser.parse_args()
    {"cache": write_logits, "measure": print_comparison}[options.command](options)


# === The logits of a model ===


def write_logits(options):
    from keras_seg.inference.inference_model import InferenceModel
    from keras_seg.models import load_model

    model = load_model(options.preset)
    learned = model.classes_learned or list(range(model.num_classes))
    names = "preset data split data_dir images masks".split()
    facts = {name: getattr(options, name) for name in names}
    facts["classes"] = len(learned)
    source = open_source(facts)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "facts.json").write_text(json.dumps(facts) + "\n")
    missing = [
        index
        for index in range(len(source))
        if not logits_file(options.output, index).exists()
    ]
    predict = InferenceModel.of(model).predict_head_on_batch
    for index in missing[: options.images_a_call]:
        image, _ = source[index]
        if max(image.shape) > (model.long_side or max(image.shape)):
            raise SystemExit(f"Image {index} is larger than the model's long_side.")
        logits = np.asarray(predict(image[None])[0])[..., learned]
        draft = options.output / "unfinished.npy"
        np.save(draft, logits.astype("float16"))
        draft.rename(logits_file(options.output, index))
    left = max(0, len(missing) - options.images_a_call)
    print(f"{options.output}: {left} of {len(source)} images are left", flush=True)


def open_source(facts):
    from keras_seg import data

    if facts["data"] == "camvid":
        return data.CamVid(facts["data_dir"], facts["split"])
    return data.SegmentationFolder(
        facts["images"], facts["masks"], num_classes=facts["classes"]
    )


def logits_file(folder, index):
    return folder / f"{index:05d}.npy"


# === The comparison ===


def print_comparison(options):
    from keras_seg.training.report import Details

    folder, stride = options.logits, options.stride
    facts = json.loads((folder / "facts.json").read_text())
    source = open_source(facts)
    indices = sorted(int(path.stem) for path in folder.glob("[0-9]*.npy"))
    indices = np.random.default_rng(0).permutation(indices).tolist()
    halves = indices[: len(indices) // 2], indices[len(indices) // 2 :]
    details, seconds = {}, {}
    for half, other in (halves, halves[::-1]):
        rules = rules_of(folder, other, options.reference)
        for index in half:
            truth = source[index][1]
            scores = probabilities(folder, index, truth.shape)[::stride, ::stride]
            for name, rule in rules.items():
                counted = details.setdefault(name, Details(facts["classes"]))
                start = time.process_time()
                labels = rule(scores)
                took = time.process_time() - start
                seconds[name] = seconds.get(name, 0.0) + took
                counted.add(index, truth[::stride, ::stride], labels.astype("int64"))
    print(
        json.dumps(
            {
                "preset": facts["preset"],
                "data": f"{facts['data']} {facts['split']}",
                "images": len(indices),
                "of": len(source),
                "stride": stride,
                "rules": {
                    name: {
                        **summary(counted, details["argmax"], source.class_names),
                        "ms": round(1000 * seconds[name] / len(indices), 1),
                    }
                    for name, counted in details.items()
                },
            }
        )
    )


def probabilities(folder, index, size):
    """Probabilities of all pixels: float32 array `(H, W, K)`."""
    logits = np.load(logits_file(folder, index)).astype("float32")
    channels = [
        cv2.resize(channel, size[::-1], interpolation=cv2.INTER_LINEAR)
        for channel in logits.transpose(2, 0, 1)
    ]
    return softmax(np.stack(channels, axis=-1))


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def rules_of(folder, others, reference):
    """Functions from probabilities `(H, W, K)` to labels, by name.

    Args:
        folder: `pathlib.Path` of the logits.
        others: List of indices, the images that the constants are taken from.
        reference: Path where rankseg is installed, or `None`.
    """
    value, below = constants_of(folder, others)
    rules = {
        "argmax": lambda p: p.argmax(axis=-1),
        "IoU of the image": lambda p: best_labels(p, "iou"),
        "Dice of the image": lambda p: best_labels(p, "dice"),
        "IoU of the data set": lambda p: scores_of(p, value, below).argmax(axis=-1),
    }
    if reference:
        rules["rankseg, IoU"] = reference_rule(reference)
    return rules


def constants_of(folder, indices):
    rng, images = np.random.default_rng(0), []
    for index in indices:
        logits = np.load(logits_file(folder, index)).astype("float32")
        flat = logits.reshape(-1, logits.shape[-1])
        chosen = rng.choice(len(flat), min(PIXELS, len(flat)), replace=False)
        images.append(softmax(flat[chosen]))
    return data_set_constants(images, images[0].shape[-1])


def reference_rule(folder):
    """The package of the authors, with its defaults."""
    sys.path.append(folder)
    import torch
    from rankseg import RankSEG

    solver = RankSEG(metric="iou", output_mode="multiclass")

    def rule(scores):
        batch = torch.from_numpy(np.ascontiguousarray(scores.transpose(2, 0, 1)))
        return solver.predict(batch[None])[0].numpy()

    return rule


def summary(details, argmax, names):
    counts = details.confusion
    hits = np.diagonal(counts)
    union = counts.sum(1) + counts[:, : len(hits)].sum(0) - hits
    iou = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
    percents = [None if np.isnan(x) else round(100 * float(x), 2) for x in iou]
    gains = 100 * (np.array(details.scores) - np.array(argmax.scores))
    return {
        "mean_iou": round(100 * float(np.nanmean(iou)), 2),
        "mean_iou_of_images": round(100 * float(np.nanmean(details.scores)), 2),
        "gain_in_images": round(float(np.nanmean(gains)), 2),
        "standard_error": round(float(np.nanstd(gains)) / len(gains) ** 0.5, 2),
        "pixel_accuracy": round(100 * float(hits.sum() / counts.sum()), 2),
        "class_iou": dict(zip(names, percents, strict=True)),
    }


if __name__ == "__main__":
    main()
