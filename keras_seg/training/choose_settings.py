"""Settings that are chosen for the images, where they are not given."""

import math

import numpy as np

# A fine-tune computes with images of about this long side, whatever their own.
WORKING_SIDE = 512
CROP_SIDE = 256
LARGEST_SCALE = 2.0
LOOKED_AT = 50
# Without a preset: the settings that the shipped weights were trained with.
BASELINE = {
    "crop_size": [192, 256],
    "batch_size": 8,
    "epochs": 26,
    "steps_per_epoch": 100,
    "learning_rate": 3e-4,
    "ema": 0.995,
    "validate_every": 2,
    "patience": 0,
}


def choose_settings(args, source):
    """Chooses the settings that are `None` and depend on the data.

    A model that is trained already gets a fine-tune for the size and the number of the
    images, which a laptop can compute. Others get the settings of the shipped weights.

    Args:
        args: Namespace, see `keras_seg.training.settings.resolve_settings`. Its values
            that are `None` are set.
        source: Source of the images to train on.

    Returns:
        Dictionary from the names of what was chosen to strings, the reasons.

    Example:

    ```python
    import numpy as np

    from keras_seg.training.choose_settings import choose_settings
    from keras_seg.training.settings import resolve_settings

    pairs = [(np.zeros((3000, 4000, 3), "uint8"), np.zeros((3000, 4000), "uint8"))]
    args = resolve_settings({"data": "folder", "images": "images", "masks": "masks"})
    reasons = choose_settings(args, pairs * 80)
    print(args.long_side, reasons["long_side"])  # 512 images of 4000 x 3000 pixels ...
    ```
    """
    if args.preset is None and args.data != "python":
        for name, value in BASELINE.items():
            if getattr(args, name) is None:
                setattr(args, name, value)
        if args.input_scale is None and not args.architecture:
            args.input_scale = 1.5
        return {}
    return _FineTune(args, source).reasons


class _FineTune:
    """Settings of a fine-tune; each depends on those before."""

    def __init__(self, args, source):
        self.args, self.reasons = args, {}
        height, width = median_size(source)
        longer, shorter = max(height, width), min(height, width)
        own = f"images of {width} x {height} pixels"
        self._choose_size(longer, own)
        side = min(longer, args.long_side or longer)
        scale = args.input_scale or 1.0
        crop = min(CROP_SIDE / scale, math.ceil(shorter * side / longer / 32) * 32)
        crop = max(32, int(crop) // 32 * 32)
        self._set(
            "crop_size", [crop, crop], f"{own}, computed at {side * scale:.0f} pixels"
        )
        images = len(source)
        count = f"{images} training images"
        self._set("batch_size", min(8, max(2, images)), count)
        steps = round(min(max(60 * images / args.batch_size, 400), 4000))
        per_epoch = min(max(images // args.batch_size, 20), 200)
        self._set("steps_per_epoch", per_epoch, count)
        epochs = math.ceil(steps / args.steps_per_epoch)
        self._set("epochs", epochs, f"{count}, about {steps} steps")
        steps = args.epochs * args.steps_per_epoch
        self._set("learning_rate", 2e-4, "a model that is trained already")
        ema = round(max(0.5, min(0.995, 1 - 20 / steps)), 4)
        self._set("ema", ema, f"{steps} steps")
        self._set("validate_every", 1, f"epochs of {args.steps_per_epoch} steps")
        patience = max(5, args.epochs // 3)
        self._set("patience", patience, f"{args.epochs} epochs")

    def _choose_size(self, longer, own):
        args = self.args
        if args.data == "python":  # the model has its own
            return
        if longer > 1.25 * WORKING_SIDE:
            self._set("long_side", WORKING_SIDE, f"{own} cost too much")
        else:
            self._set("long_side", 0, f"{own} are small enough")
        side = min(longer, args.long_side or longer)
        scale = min(LARGEST_SCALE, WORKING_SIDE / side)
        scale = max(1.0, math.floor(4 * scale) / 4)
        reason = f"{own} are computed at {side * scale:.0f} pixels"
        self._set("input_scale", scale, reason)

    def _set(self, name, value, reason):
        if getattr(self.args, name) is None:
            setattr(self.args, name, value)
            self.reasons[name] = reason


def median_size(source):
    """The median height and width of the images of a source.

    Args:
        source: Source of `(image, label)` pairs. Some images are looked at, spread
            evenly.

    Returns:
        Pair of integers.
    """
    indices = np.linspace(0, len(source) - 1, min(LOOKED_AT, len(source))).astype(int)
    sizes = [
        source.size_of(int(i))
        if hasattr(source, "size_of")
        else source[int(i)][0].shape[:2]
        for i in indices
    ]
    height, width = np.median(np.array(sizes), axis=0)
    return int(height), int(width)
