"""Trains a segmentation model and reports it on the test split, on any backend.

    KERAS_BACKEND=tensorflow python examples/train.py --model ecenet --data camvid \
        --data-dir CAMVID --backbone-weights WEIGHTS --output runs/ecenet

The run can be killed and started again with `--resume`; training goes on with the
next epoch. Choices belong on the val split: `--no-test` leaves the test split alone.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import time

import keras

import keras_seg
from keras_seg import data

MODELS = {"ecenet": keras_seg.ECENet}


def main():
    args = parse_arguments()
    keras.utils.set_random_seed(args.seed)
    output = pathlib.Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    if (output / "history.jsonl").exists() and not args.resume:
        raise SystemExit(
            f"{output} holds a run already. Continue it with --resume, or name "
            "another --output."
        )
    train = data.CamVid(args.data_dir, args.split)
    model = build_model(args, train)
    compile_model(args, model)
    print(
        f"{args.model}: {model.count_params():,} parameters, {len(train)} training "
        f"images, backend {keras.config.backend()}"
    )

    steps = args.steps_per_epoch
    augmentation = data.TrainAugmentation(
        args.crop_size,
        scale_range=args.scale_range,
        focus_classes=args.focus_classes,
        focus_probability=args.focus_probability,
    )
    history = History(output, args)
    callbacks = [
        keras.callbacks.BackupAndRestore(output / "backup", delete_checkpoint=False),
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.ModelCheckpoint(
            output / "best.weights.h5",
            monitor="val_mean_iou",
            mode="max",
            save_best_only=True,
            save_weights_only=True,
        ),
        keras.callbacks.ModelCheckpoint(
            output / "last.weights.h5", save_weights_only=True
        ),
        history,
        keras.callbacks.TerminateOnNaN(),
    ]
    validation = None
    if args.validate_every:
        validation = data.evaluation_dataset(data.CamVid(args.data_dir, "val"))
    model.fit(
        data.training_dataset(
            train,
            args.batch_size,
            augmentation,
            seed=args.seed,
            workers=args.workers,
            steps_per_epoch=steps,
            initial_epoch=history.epochs_done,
        ),
        epochs=args.epochs,
        validation_data=validation,
        validation_freq=args.validate_every or 1,
        callbacks=callbacks,
        verbose=args.verbose,
        shuffle=False,
    )
    weights = output / ("last.weights.h5" if "val" in args.split else "best.weights.h5")
    model.load_weights(weights, skip_mismatch=False)
    results = describe(args, history, weights.name)
    splits = [s for s in ("val", "test") if s not in args.split]
    for split in splits[: 1 if args.no_test else 2]:
        results[split] = evaluate(model, data.CamVid(args.data_dir, split))
        print_table(split, results[split])
    (output / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    model.save_to_preset(output / "preset")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--model", choices=sorted(MODELS), default="ecenet")
    add("--data", choices=["camvid"], default="camvid")
    add("--data-dir", required=True, help="folder with images/ and labels/")
    add("--split", default="train", help="train, or train+val for the final model")
    add("--backbone", default="MobileNetV2", help="a network of keras.applications")
    add("--backbone-weights", help="weights file of the backbone, or imagenet")
    add("--output", required=True, help="folder of the run")
    add("--hidden-dim", type=int, default=64)
    add("--input-scale", type=float, default=1.5)
    add("--crop-size", type=int, nargs=2, default=(192, 256))
    add("--scale-range", type=float, nargs=2, default=(0.5, 2.0))
    add("--focus-classes", type=int, nargs="*", default=(2, 6, 7, 9, 10))
    add("--focus-probability", type=float, default=0.3)
    add("--batch-size", type=int, default=8)
    add("--epochs", type=int, default=26)
    add("--steps-per-epoch", type=int, default=100)
    add("--learning-rate", type=float, default=3e-4, help="of the backbone")
    add("--head-multiplier", type=float, default=4.0)
    add("--weight-decay", type=float, default=0.02)
    add("--jaccard", type=float, default=1.0, help="weight of the Jaccard term")
    add("--ema", type=float, default=0.995, help="momentum of the averaged weights")
    add("--validate-every", type=int, default=2, help="epochs; 0 for never")
    add("--workers", type=int, default=2)
    add("--seed", type=int, default=0)
    add("--resume", action="store_true")
    add("--no-test", action="store_true")
    add("--verbose", type=int, default=2, help="1 for a progress bar")
    return parser.parse_args()


def build_model(args, train):
    backbone = keras_seg.models.ApplicationsBackbone(
        args.backbone,
        pyramid_layers=PYRAMID_LAYERS.get(args.backbone),
        weights=args.backbone_weights,
    )
    return MODELS[args.model](
        backbone,
        num_classes=train.num_classes,
        hidden_dim=args.hidden_dim,
        input_scale=args.input_scale,
        freeze_backbone_norm=True,
        class_names=train.class_names,
        palette=train.palette.tolist(),
        ignore_class=train.ignore_class,
        compile=False,
    )


# Without the 1280 channels that only the ImageNet classifier needs.
PYRAMID_LAYERS = {
    "MobileNetV2": {
        "P2": "block_3_expand_relu",
        "P3": "block_6_expand_relu",
        "P4": "block_13_expand_relu",
        "P5": "block_16_project_BN",
    }
}


def compile_model(args, model):
    total = args.epochs * args.steps_per_epoch
    warmup = min(100, total // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=args.learning_rate / 100,
        decay_steps=total - warmup,
        warmup_target=args.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras_seg.optimizers.MultiplierAdamW(
        schedule,
        multipliers={"^head/": args.head_multiplier},
        weight_decay=args.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=args.ema,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras_seg.losses.SegmentationLoss(
        ignore_class=model.ignore_class, jaccard=args.jaccard
    )
    model.compile(optimizer=optimizer, loss=loss)


class History(keras.callbacks.Callback):
    """One line of JSON per epoch; knows how far a resumed run had come."""

    def __init__(self, output, args):
        super().__init__()
        self.path = output / "history.jsonl"
        self.args = args
        self.lines = []
        if args.resume and self.path.exists():
            self.lines = [json.loads(s) for s in self.path.read_text().splitlines()]

    @property
    def epochs_done(self):
        return len(self.lines)

    @property
    def hours(self):
        return sum(line["seconds"] for line in self.lines) / 3600

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        line = {key: float(value) for key, value in (logs or {}).items()}
        line.update(
            epoch=epoch + 1,
            split=self.args.split,
            seconds=time.monotonic() - self.started,
        )
        self.lines.append(line)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def evaluate(model, source):
    """Whole images, single scale, no flip."""
    metric = keras_seg.metrics.MeanIoU(model.num_classes, model.ignore_class)
    for images, labels in data.evaluation_dataset(source):
        metric.update_state(labels, model.predict_on_batch(images))
    return {
        "images": len(source),
        "mean_iou": float(metric.result()),
        "pixel_accuracy": metric.pixel_accuracy(),
        "class_iou": dict(
            zip(source.class_names, metric.class_iou().tolist(), strict=True)
        ),
    }


def print_table(split, result):
    print(f"\n{split}: {result['images']} images")
    for name, value in result["class_iou"].items():
        print(f"  {name:<12} {100 * value:5.1f}")
    print(f"  {'mean IoU':<12} {100 * result['mean_iou']:5.1f}")
    print(f"  {'pixel acc.':<12} {100 * result['pixel_accuracy']:5.1f}")


def describe(args, history, weights):
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parent,
    ).stdout.strip()
    arguments = {
        key: value
        for key, value in vars(args).items()
        if key not in ("data_dir", "output", "backbone_weights")
    }
    return {
        "arguments": arguments,
        "weights": weights,
        "seed": args.seed,
        "commit": commit,
        "backend": keras.config.backend(),
        "keras": keras.__version__,
        "hardware": f"{os.cpu_count()} x {processor()}",
        "hours": round(history.hours, 3),
        "epochs": history.epochs_done,
    }


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(s.split(":")[1].strip() for s in lines if "model name" in s)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
