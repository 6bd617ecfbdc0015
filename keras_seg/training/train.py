"""Trains a segmentation model and reports its quality, on any backend.

    KERAS_BACKEND=tensorflow python examples/train.py --model ecenet --data camvid \
        --data-dir CAMVID --backbone-weights imagenet --output runs/ecenet

    python examples/train.py --data folder --images IMAGES --masks MASKS \
        --val-images IMAGES --val-masks MASKS --num-classes 5 --output runs/mine

    python examples/train.py @examples/recipes/cpt_ade20k_resnet_101.txt \
        --data-dir ADEChallengeData2016 --output runs/cpt

The run can be killed and started again with the same arguments and `--resume`; training
goes on with the epoch that was interrupted. Choices belong on the val split:
`--no-test` leaves the test split alone.
"""

import json
import pathlib

import keras
import numpy as np
from build_backbone import build_backbone, set_drop_path
from copy_with import copy_with
from freeze_features import freeze_features
from make_optimizer import make_optimizer
from report import describe_run, evaluate, print_table
from run_arguments import check_arguments, write_arguments
from run_folder import RunFolder
from train_arguments import train_arguments

import keras_seg
from keras_seg import data
from keras_seg.data import SubsetSource
from keras_seg.inference import region_report

MODELS = {"cpt": keras_seg.CPT, "ecenet": keras_seg.ECENet, "sgr": keras_seg.SGR}


def main(arguments=None):
    args = parse_arguments(arguments)
    run = open_run(args)
    output = run.path
    train, held_out = open_data(args)
    if args.max_images:
        train = SubsetSource(train, args.max_images, args.seed)
    model = build_model(args, train)
    if args.initial_weights:
        model.load_weights(args.initial_weights)
    compile_model(args, model)
    before = None
    if model.has_regions and "val" in held_out:
        before = regions_before(model, held_out["val"], output / "regions_before.json")
    epochs_done = run.restore(model)
    print(
        f"{type(model).__name__}: {model.count_params():,} parameters, {len(train)} "
        f"training images, backend {keras.config.backend()}, {epochs_done} epochs done"
    )
    fit(args, model, train, held_out.get("val"), run, epochs_done)

    weights = "best.weights.h5" if "val" in held_out and run.best else "last.weights.h5"
    model.load_weights(output / weights)
    results = describe_run(vars(args), run, weights)
    results["parameters"] = model.count_params()
    if args.val_scales and "val" in held_out:
        model, results["val_by_scale"] = choose_scale(args, model, held_out["val"])
    if args.final_scale:
        model = copy_with(model, input_scale=args.final_scale)
    if before:
        results["regions_before"] = before
    for split, source in held_out.items():
        results[split] = evaluate(model, source, split, progress=args.verbose == 1)
        if model.has_regions:
            results[split]["regions"] = region_report(model, source)
        print_table(split, results[split])
    (output / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    model.save_to_preset(output / "preset")


def parse_arguments(arguments=None):
    return train_arguments(__doc__.split("\n\n")[0], sorted(MODELS), arguments)


def open_run(args):
    """The folder of the run, if what it holds may go on with these arguments."""
    if args.precision == "mixed_float16" and keras.config.backend() == "jax":
        if all("cpu" in device for device in keras.distribution.list_devices()):
            raise SystemExit(
                "On a CPU, JAX lacks products in float16 that some of the models need. "
                "Take --precision mixed_bfloat16, or another backend."
            )
    keras.utils.set_random_seed(args.seed)
    keras.config.set_dtype_policy(args.precision)
    output = pathlib.Path(args.output)
    run = RunFolder(output, args.steps_per_epoch, note={"split": args.split})
    if not run.is_used:
        (output / "regions_before.json").unlink(missing_ok=True)
        write_arguments(output, args)
    elif args.resume:
        check_arguments(output, args)
    else:
        raise SystemExit(
            f"{output} holds a run already. Continue it with --resume, or name "
            "another --output."
        )
    return run


def open_data(args):
    """The source for training, and those it may be measured on by their names."""
    if args.data != "folder":
        held_out = ["val"]
        if args.data == "camvid" and not args.no_test:
            held_out.append("test")
        return data.load_source(args.data, args.data_dir, args.split), {
            split: data.load_source(args.data, args.data_dir, split)
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
    options = {
        "num_classes": train.num_classes,
        "class_names": train.class_names,
        "palette": train.palette.tolist(),
        "ignore_class": train.ignore_class,
        "compile": False,
    }
    if args.input_scale is not None:
        options["input_scale"] = args.input_scale
    if args.freeze:
        options["auxiliary_weights"] = {"region": 0.0}  # nothing could follow it
    elif args.region_weight is not None:
        options["auxiliary_weights"] = {"region": args.region_weight}
    if args.preset:
        model = keras_seg.models.load_model(args.preset, temperature=1.0, **options)
        if args.freeze:
            freeze_features(model)
        return model
    options.update(method_options(args))
    if args.architecture:
        model = MODELS[args.model].from_preset(
            args.architecture, load_weights=False, **options
        )
        if args.drop_path is not None:
            backbone = set_drop_path(model.backbone, args.drop_path)
            model = type(model).from_config(
                {**model.get_config(), "backbone": backbone, "compile": False}
            )
        return model
    backbone, preprocessor = build_backbone(
        args.backbone, args.backbone_weights, args.output_stride
    )
    if args.drop_path is not None:
        backbone = set_drop_path(backbone, args.drop_path)
    from_scratch = hasattr(keras.applications, args.backbone) and (
        args.backbone_weights is None
    )
    return MODELS[args.model](
        backbone,
        preprocessor=preprocessor,
        hidden_dim=args.hidden_dim,
        pyramid_levels=args.pyramid_levels,
        freeze_backbone_norm=not from_scratch,
        **options,
    )


def method_options(args):
    """What only some of the models know."""
    options = {"source": args.source} if args.source else {}
    if args.regions is not None:
        options["reasoner"] = {"num_regions": args.regions} if args.regions else False
    if args.memory_momentum:
        options["memory_momentum"] = args.memory_momentum[0]
    if args.memory_momentum and len(args.memory_momentum) == 2:
        first, last = args.memory_momentum
        options["memory_momentum"] = keras_seg.optimizers.PolynomialDecay(
            first,
            args.epochs * args.steps_per_epoch * args.accumulate,
            last,
            power=0.9,
        )
    if args.initial_memory:
        options["initial_memory"] = np.load(args.initial_memory, allow_pickle=False)
    return options


def regions_before(model, val, path):
    """Metrics of the regions before training; a file keeps them for `--resume`."""
    if not path.exists():
        path.write_text(json.dumps(region_report(model, val)) + "\n")
    return json.loads(path.read_text())


def compile_model(args, model):
    loss = keras_seg.losses.SegmentationLoss(
        ignore_class=model.ignore_class, jaccard=args.jaccard
    )
    model.compile(optimizer=make_optimizer(args, model), loss=loss)


def fit(args, model, train, val, run, epochs_done):
    validation, every = None, args.validate_every
    if val is not None and every:
        validation = data.evaluation_dataset(val)
    if args.repeat_rare:
        # Cached first, so that repetitions are decoded once.
        train = data.CachedSource(train)
        train = data.RepeatedSource(train, args.repeat_rare, seed=args.seed)
    callbacks = [run]
    if args.ema:
        callbacks.insert(0, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
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
            steps_per_epoch=args.steps_per_epoch * args.accumulate,
            initial_epoch=epochs_done,
            cache=not args.repeat_rare,
        ),
        initial_epoch=epochs_done,
        epochs=args.epochs,
        validation_data=validation,
        validation_freq=[*range(every or 1, args.epochs, every or 1), args.epochs],
        callbacks=callbacks,
        verbose=args.verbose,
        shuffle=False,
    )


def choose_scale(args, model, val):
    """The trained model at the input scale that is best on val, and all scores."""
    scores = {}
    for scale in args.val_scales:
        candidate = copy_with(model, input_scale=scale)
        scores[scale] = evaluate(candidate, val, f"val at {scale}")["mean_iou"]
        print(f"val at input scale {scale}: {scores[scale]:.1%}")
        if scores[scale] == max(scores.values()):
            best = candidate
    return best, scores


if __name__ == "__main__":
    main()
