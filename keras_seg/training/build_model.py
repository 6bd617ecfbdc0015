"""The model of a run, compiled."""

import numpy as np

from keras_seg.losses.segmentation_loss import SegmentationLoss
from keras_seg.models import CPT, SGR, ECENet, load_model
from keras_seg.optimizers.polynomial_decay import PolynomialDecay
from keras_seg.training.build_backbone import (
    build_backbone,
    is_untrained,
    set_drop_path,
)
from keras_seg.training.freeze_features import freeze_features, unfreeze
from keras_seg.training.keep_known_classes import keep_known_classes
from keras_seg.training.make_optimizer import make_optimizer

MODELS = {"cpt": CPT, "ecenet": ECENet, "sgr": SGR}


def build_model(args, train):
    """Builds the model that the arguments of a run ask for.

    Args:
        args: Namespace, see `keras_seg.training.settings.resolve_settings`.
        train: Source with `num_classes`, `class_names`, `palette` and `ignore_class`.

    Returns:
        A `keras_seg.models.Segmenter` that is not compiled.
    """
    options = {
        "num_classes": train.num_classes,
        "class_names": train.class_names,
        "palette": train.palette.tolist(),
        "ignore_class": train.ignore_class,
        "compile": False,
    }
    if args.input_scale is not None:
        options["input_scale"] = args.input_scale
    if args.long_side is not None:
        options["long_side"] = args.long_side or None
    if args.rematerialize:
        options["rematerialize"] = True
    weights = {"region": args.region_weight, "diversity": args.diversity_weight}
    if args.freeze:
        weights["region"] = 0.0  # no weight depends on it
    weights = {name: weight for name, weight in weights.items() if weight is not None}
    if weights:
        options["auxiliary_weights"] = weights
    if args.preset:
        model = load_model(args.preset, temperature=1.0, **options)
        kept = keep_known_classes(model, load_model(args.preset))
        if kept:
            print(f"Classes that {args.preset} knows by name: {', '.join(kept)}.")
        unfreeze(model)  # the preset may have been saved with frozen layers
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
    return MODELS[args.model](
        backbone,
        preprocessor=preprocessor,
        hidden_dim=args.hidden_dim,
        pyramid_levels=args.pyramid_levels,
        freeze_backbone_norm=not is_untrained(args.backbone, args.backbone_weights),
        **options,
    )


def method_options(args):
    """The arguments that only some of the models have."""
    options = {"source": args.source} if args.source else {}
    if args.regions is not None:
        options["reasoner"] = {"num_regions": args.regions} if args.regions else False
    if args.memory_momentum:
        options["memory_momentum"] = args.memory_momentum[0]
    if args.memory_momentum and len(args.memory_momentum) == 2:
        first, last = args.memory_momentum
        options["memory_momentum"] = PolynomialDecay(
            first,
            args.epochs * args.steps_per_epoch * args.accumulate,
            last,
            power=0.9,
        )
    for name in ("fusion", "mlp_ratio"):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    if args.initial_memory:
        options["initial_memory"] = np.load(args.initial_memory, allow_pickle=False)
    return options


def compile_model(args, model):
    """Compiles a model with the loss and the optimizer of a run."""
    loss = SegmentationLoss(ignore_class=model.ignore_class, jaccard=args.jaccard)
    model.compile(optimizer=make_optimizer(args, model), loss=loss)
