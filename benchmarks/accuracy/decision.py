r"""Argmax against labels of the highest expected IoU, on data unknown to a model.

    python benchmarks/accuracy/decision.py cache --preset cpt/camvid \
        --data camvid --data-dir CAMVID --split test --output runs/decision/cpt
    python benchmarks/accuracy/decision.py measure \
        --logits runs/decision/cpt --constants runs/decision/cpt_val

`cache` writes the logits of the head for each image, 60 images a call, until all are
done. `measure` compares the rules of `decision_rules.py` on them and prints a line of
JSON. `--constants` names logits of other images, from which the rule of the whole data
set takes its constants.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from decision_rules import best_labels, data_set_constants, scores_of

from keras_seg import data
from keras_seg.training.report import Details
from keras_seg_runtime.labels.window_logits import WindowLogits

PIXELS = 4000  # of an image, for the constants of a data set


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.HelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    cache = commands.add_parser("cache", help="write the logits of a model")
    cache.add_argument("--preset", required=True, metavar="NAME")
    cache.add_argument("--data", choices=["camvid", "folder"], default="camvid")
    cache.add_argument("--data-dir", metavar="DIR")
    cache.add_argument("--split", default="test")
    cache.add_argument("--images", metavar="DIR", help="--data folder")
    cache.add_argument("--masks", metavar="DIR", help="--data folder")
    cache.add_argument("--images-a-call", type=int, default=60, metavar="N")
    cache.add_argument("--every", type=int, default=1, metavar="N", help="N-th image")
    cache.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR")
    measure = commands.add_parser("measure", help="compare the rules")
    measure.add_argument("--logits", type=pathlib.Path, required=True, metavar="DIR")
    measure.add_argument("--constants", type=pathlib.Path, metavar="DIR")
    measure.add_argument(
        "--reference", metavar="DIR", help="where rankseg is installed"
    )
    options = parser.parse_args()
    {"cache": write_logits, "measure": print_comparison}[options.command](options)


def write_logits(options):
    from keras_seg.inference.inference_model import InferenceModel
    from keras_seg.models import load_model

    model = load_model(options.preset)
    learned = model.classes_learned or list(range(model.num_classes))
    source = open_source(options, len(learned))
    options.output.mkdir(parents=True, exist_ok=True)
    facts = {
        "preset": options.preset,
        "data": options.data,
        "split": options.split,
        "data_dir": options.data_dir,
        "images": options.images,
        "masks": options.masks,
        "classes": len(learned),
        "every": options.every,
        "names": list(source.class_names),
    }
    (options.output / "facts.json").write_text(json.dumps(facts) + "\n")
    wanted = range(0, len(source), options.every)
    missing = [i for i in wanted if not logits_file(options.output, i).exists()]
    predict = InferenceModel.of(model).predict_head_on_batch
    for index in missing[: options.images_a_call]:
        image, _ = source[index]
        if max(image.shape) > (model.long_side or max(image.shape)):
            raise SystemExit(f"Image {index} is larger than the model's long_side.")
        logits = np.asarray(predict(image[None])[0])[..., learned]
        draft = options.output / "unfinished.npy"
        np.save(draft, logits.astype("float16"))
        draft.rename(logits_file(options.output, index))
    left = len(missing) - options.images_a_call
    print(
        f"{options.output}: {max(0, left)} of {len(wanted)} images are left", flush=True
    )


def open_source(options, classes):
    if options.data == "camvid":
        return data.CamVid(options.data_dir, options.split)
    return data.SegmentationFolder(options.images, options.masks, num_classes=classes)


def logits_file(folder, index):
    return folder / f"{index:05d}.npy"


def cached(folder):
    """The facts of a folder of logits, its source, and a function of an index."""
    facts = json.loads((folder / "facts.json").read_text())
    source = open_source(argparse.Namespace(**facts), facts["classes"])

    def probabilities(index, size):
        logits = np.load(logits_file(folder, index)).astype("float32")
        x = WindowLogits.of_window(logits, *size).upsample()
        x = x - x.max(axis=-1, keepdims=True)
        np.exp(x, out=x)
        return x / x.sum(axis=-1, keepdims=True)

    indices = sorted(int(path.stem) for path in folder.glob("[0-9]*.npy"))
    indices = [index for index in indices if index % facts["every"] == 0]
    return facts, source, indices, probabilities


def constants_of(folder):
    facts, source, indices, probabilities = cached(folder)
    rng = np.random.default_rng(0)
    images = []
    for index in indices:
        size = source[index][1].shape
        flat = probabilities(index, size).reshape(-1, facts["classes"])
        images.append(flat[rng.choice(len(flat), min(PIXELS, len(flat)), False)])
    return data_set_constants(images, facts["classes"])


def rules_of(options):
    """Functions from probabilities `(H, W, K)` to labels, by name."""
    rules = {
        "argmax": lambda p: p.argmax(axis=-1),
        "IoU of the image": lambda p: best_labels(p, "iou"),
        "Dice of the image": lambda p: best_labels(p, "dice"),
    }
    if options.constants:
        value, below = constants_of(options.constants)
        rules["IoU of the data set"] = lambda p: (
            scores_of(p.reshape(-1, p.shape[-1]), value, below)
            .argmax(axis=-1)
            .reshape(p.shape[:2])
        )
    if options.reference:
        rules["rankseg, IoU"] = reference_rule(options.reference)
    return rules


def reference_rule(folder):
    """The package of the authors, with its defaults."""
    sys.path.append(folder)
    import torch
    from rankseg import RankSEG

    solver = RankSEG(metric="iou", output_mode="multiclass")

    def rule(probabilities):
        batch = torch.from_numpy(np.ascontiguousarray(probabilities.transpose(2, 0, 1)))
        return solver.predict(batch[None])[0].numpy()

    return rule


def print_comparison(options):
    """Compares the rules on some more images, and prints what is known by then."""
    facts, source, indices, probabilities = cached(options.logits)
    rules = rules_of(options)
    details = {name: Details(facts["classes"]) for name in rules}
    seconds = dict.fromkeys(rules, 0.0)
    done = restore(options.state, details, seconds)
    # In a random order, so that what is done is a fair part of the whole.
    left = sorted(set(indices) - set(done))
    left = np.random.default_rng(len(done)).permutation(left).tolist()
    for index in left[: options.images_a_call]:
        _, truth = source[index]
        scores = probabilities(index, truth.shape)
        for name, rule in rules.items():
            start = time.perf_counter()
            labels = rule(scores)
            seconds[name] += time.perf_counter() - start
            details[name].add(index, truth, labels.astype("int64"))
        done.append(index)
        store(options.state, done, details, seconds)
    result = {
        "preset": facts["preset"],
        "data": f"{facts['data']} {facts['split']}",
        "images": len(done),
        "of": len(source),
        "rules": {
            name: {
                **summary(details[name], facts["names"]),
                "ms": round(1000 * seconds[name] / max(1, len(done)), 1),
            }
            for name in rules
        },
    }
    print(json.dumps(result))


def restore(path, details, seconds):
    """Reads what earlier calls have counted; returns the indices of the images."""
    if not path or not path.exists():
        return []
    state = json.loads(path.read_text())
    if set(state["rules"]) != set(details):
        known = ", ".join(state["rules"])
        raise SystemExit(f"{path} is of other rules: {known}. Remove it.")
    for name, counted in state["rules"].items():
        details[name].confusion = np.array(counted["confusion"], "int64")
        details[name].scores = list(counted["scores"])
        seconds[name] = counted["seconds"]
    return state["indices"]


def store(path, done, details, seconds):
    if not path:
        return
    rules = {
        name: {
            "confusion": counted.confusion.tolist(),
            "scores": counted.scores,
            "seconds": seconds[name],
        }
        for name, counted in details.items()
    }
    draft = path.with_name(f"unfinished-{path.name}")
    draft.write_text(json.dumps({"indices": done, "rules": rules}))
    draft.rename(path)


def summary(details, names):
    counts = details.confusion
    hits = np.diagonal(counts)
    union = counts.sum(1) + counts[:, : len(hits)].sum(0) - hits
    iou = np.where(union > 0, hits / np.maximum(union, 1), np.nan)
    percents = [None if np.isnan(x) else round(100 * float(x), 2) for x in iou]
    return {
        "mean_iou": round(100 * float(np.nanmean(iou)), 2),
        "mean_iou_of_images": round(100 * float(np.nanmean(details.scores)), 2),
        "pixel_accuracy": round(100 * float(hits.sum() / counts.sum()), 2),
        "class_iou": dict(zip(names, percents, strict=True)),
    }


if __name__ == "__main__":
    main()
