"""Trains a segmentation model and reports its quality, on any backend.

    KERAS_BACKEND=tensorflow python examples/train.py --model ecenet --data camvid \
        --data-dir CAMVID --backbone-weights imagenet --output runs/ecenet

    python examples/train.py --data folder --images IMAGES --masks MASKS \
        --val-images IMAGES --val-masks MASKS --num-classes 5 --output runs/mine

The run can be killed and started again with `--resume`; training goes on with the
epoch that was interrupted. Choices belong on the val split: `--no-test` leaves the
test split alone.
"""

import argparse
import json
import pathlib

import keras
from build_backbone import build_backbone
from report import describe_run, evaluate, print_table
from run_folder import RunFolder

import keras_seg
from keras_seg import data

MODELS = {"cpt": keras_seg.CPT, "ecenet": keras_seg.ECENet, "sgr": keras_seg.SGR}
CAMVID_THIN_CLASSES = (2, 6, 7, 9, 10)


def main(arguments=None):
    args = parse_arguments(arguments)
    keras.utils.set_random_seed(args.seed)
    output = pathlib.Path(args.output)
    run = RunFolder(output, args.steps_per_epoch, note={"split": args.split})
    if run.is_used and not args.resume:
        raise SystemExit(
            f"{output} holds a run already. Continue it with --resume, or name "
            "another --output."
        )
    train, held_out = open_data(args)
    model = build_model(args, train)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    compile_model(args, model)
    epochs_done = run.restore(model)
    print(
        f"{args.model}: {model.count_params():,} parameters, {len(train)} training "
        f"images, backend {keras.config.backend()}, {epochs_done} epochs done"
    )
    fit(args, model, train, held_out.get("val"), run, epochs_done)

    weights = "best.weights.h5" if "val" in held_out and run.best else "last.weights.h5"
    model.load_weights(output / weights)
    results = describe_run(vars(args), run, weights)
    if args.val_scales and "val" in held_out:
        model, results["val_by_scale"] = choose_scale(args, model, held_out["val"])
    for split, source in held_out.items():
        results[split] = evaluate(model, source, split, progress=args.verbose == 1)
        print_table(split, results[split])
    (output / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    model.save_to_preset(output / "preset")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument_group("data").add_argument
    add("--data", choices=["camvid", "folder"], default="camvid")
    add("--data-dir", help="CamVid: folder with images/ and labels/")
    add("--split", default="train", help="train, or train+val for the final model")
    add("--images", help="folder of the training images")
    add("--masks", help="folder of their masks, named like the images")
    add("--val-images", help="folder of the validation images")
    add("--val-masks", help="folder of their masks")
    add("--num-classes", type=int, help="void not counted")
    add("--class-names", nargs="+", metavar="NAME")
    add("--void-ids", type=int, nargs="+", default=(), help="ids that mean void")
    add("--no-test", action="store_true", help="leave the test split alone")

    add = parser.add_argument_group("model").add_argument
    add("--model", choices=sorted(MODELS), default="ecenet")
    add(
        "--backbone",
        default="MobileNetV2",
        help="a network of keras.applications, or a preset of keras-hub",
    )
    add("--backbone-weights", help="weights file of the backbone, or imagenet")
    add("--initial-weights", help="weights file of an earlier run of the same model")
    add("--hidden-dim", type=int, default=64)
    add(
        "--source",
        choices=["bilinear", "pixels", "prototypes", "memory"],
        help="CPT: what finer levels are rebuilt from, memory by default",
    )
    add(
        "--output-stride",
        type=int,
        choices=[8, 16],
        help="dilate the backbone instead of going down to stride 32",
    )
    add(
        "--regions",
        type=int,
        metavar="K",
        help="latent regions to reason over: 64 by default for SGR, 0 leaves the "
        "reasoner out; none by default for ECENet",
    )
    add("--region-weight", type=float, default=1.0, help="of the region loss")
    add("--input-scale", type=float, default=1.5, help="images are enlarged by it")
    add(
        "--val-scales",
        type=float,
        nargs="+",
        metavar="SCALE",
        help="input scales to try on val after training; the best is kept",
    )

    add = parser.add_argument_group("augmentation").add_argument
    add("--crop-size", type=int, nargs=2, default=(192, 256), metavar=("H", "W"))
    add("--scale-range", type=float, nargs=2, default=(0.5, 2.0))
    add(
        "--focus-classes",
        type=int,
        nargs="*",
        metavar="ID",
        help="rare classes that crops are laid around; by default the thin ones of "
        "CamVid, none for other data",
    )
    add("--focus-probability", type=float, default=0.3)
    add(
        "--repeat-rare",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="repeat images with classes that fewer images than this share hold",
    )

    add = parser.add_argument_group("training").add_argument
    add("--batch-size", type=int, default=8)
    add("--epochs", type=int, default=26)
    add("--steps-per-epoch", type=int, default=100)
    add("--learning-rate", type=float, default=3e-4, help="of the backbone")
    add("--head-multiplier", type=float, default=4.0, help="of the learning rate")
    add("--weight-decay", type=float, default=0.02)
    add("--jaccard", type=float, default=1.0, help="weight of the Jaccard term")
    add("--ema", type=float, default=0.995, help="momentum of the averaged weights")
    add("--validate-every", type=int, default=2, help="epochs; 0 for never")
    add("--workers", type=int, default=2, help="threads that prepare batches")
    add("--seed", type=int, default=0)

    add = parser.add_argument_group("run").add_argument
    add("--output", required=True, help="folder of the run")
    add("--resume", action="store_true")
    add("--verbose", type=int, default=2, help="1 for a progress bar")
    args = parser.parse_args(arguments)

    if args.data == "camvid" and not args.data_dir:
        parser.error("--data camvid needs --data-dir")
    if args.data == "folder" and not (args.images and args.masks):
        parser.error("--data folder needs --images and --masks")
    if args.source and args.model != "cpt":
        parser.error("--source needs --model cpt")
    if args.output_stride and args.model != "sgr":
        parser.error("--output-stride needs --model sgr")
    if bool(args.val_images) != bool(args.val_masks):
        parser.error("--val-images and --val-masks go together")
    if args.focus_classes is None:
        args.focus_classes = CAMVID_THIN_CLASSES if args.data == "camvid" else ()
    return args


def open_data(args):
    """The source for training, and those it may be measured on by their names."""
    if args.data == "camvid":
        held_out = ["val"] if args.no_test else ["val", "test"]
        return data.CamVid(args.data_dir, args.split), {
            split: data.CamVid(args.data_dir, split)
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
            raise SystemExit(f"The {name} data have errors; see above for the fixes.")
    return sources.pop("train"), sources


def build_model(args, train):
    backbone, preprocessor = build_backbone(
        args.backbone, args.backbone_weights, args.output_stride
    )
    from_scratch = hasattr(keras.applications, args.backbone) and (
        args.backbone_weights is None
    )
    more = {"source": args.source} if args.source else {}
    if args.regions is not None:
        more["reasoner"] = {"num_regions": args.regions} if args.regions else False
    if args.regions or (args.regions is None and args.model == "sgr"):
        more["auxiliary_weights"] = {"region": args.region_weight}
    return MODELS[args.model](
        backbone,
        num_classes=train.num_classes,
        preprocessor=preprocessor,
        hidden_dim=args.hidden_dim,
        input_scale=args.input_scale,
        freeze_backbone_norm=not from_scratch,
        class_names=train.class_names,
        palette=train.palette.tolist(),
        ignore_class=train.ignore_class,
        compile=False,
        **more,
    )


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


def fit(args, model, train, val, run, epochs_done):
    validation, every = None, args.validate_every
    if val is not None and every:
        validation = data.evaluation_dataset(val)
    if args.repeat_rare:
        # Cached first, so that repetitions are decoded once.
        train = data.CachedSource(train)
        train = data.RepeatedSource(train, args.repeat_rare, seed=args.seed)
    model.fit(
        data.training_dataset(
            train,
            args.batch_size,
            data.TrainAugmentation(
                args.crop_size,
                scale_range=args.scale_range,
                focus_classes=args.focus_classes,
                focus_probability=args.focus_probability,
                ignore_class=train.ignore_class,
            ),
            seed=args.seed,
            workers=args.workers,
            steps_per_epoch=args.steps_per_epoch,
            initial_epoch=epochs_done,
            cache=not args.repeat_rare,
        ),
        initial_epoch=epochs_done,
        epochs=args.epochs,
        validation_data=validation,
        validation_freq=[*range(every or 1, args.epochs, every or 1), args.epochs],
        callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True), run],
        verbose=args.verbose,
        shuffle=False,
    )


def choose_scale(args, model, val):
    """The trained model at the input scale that is best on val, and all scores."""
    scores = {}
    for scale in args.val_scales:
        candidate = type(model).from_config(
            {**model.get_config(), "input_scale": scale}
        )
        candidate.set_weights(model.get_weights())
        scores[scale] = evaluate(candidate, val, f"val at {scale}")["mean_iou"]
        print(f"val at input scale {scale}: {scores[scale]:.1%}")
        if scores[scale] == max(scores.values()):
            best = candidate
    return best, scores


if __name__ == "__main__":
    main()
