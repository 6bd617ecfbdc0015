import contextlib
import inspect
import sys
import warnings

import keras
import keras_hub
import numpy as np

from keras_seg.backbones.dilated_copy import dilated_copy
from keras_seg.backbones.layer_strides import layer_strides


@keras.saving.register_keras_serializable(package="keras_seg")
class ApplicationsBackbone(keras_hub.models.FeaturePyramidBackbone):
    """A network of `keras.applications` with feature pyramid outputs.

    Args:
        network: String, the name of a function in `keras.applications`, such as
            `"MobileNetV2"` or `"EfficientNetV2B0"`.
        pyramid_layers: Dictionary from `"P1"` ... `"P5"` to layer names; level `Pn`
            has a stride of `2 ** n`. By default the last layer of each stride. Layers
            behind the last level are cut off.
        weights: `None`, a path to a weights file that fits the network cut at its
            last level or the whole network without its top, or `"imagenet"`, which
            Keras downloads.
        output_stride: 8 or 16, or `None` for the network's own. Keeps this resolution
            to the last layer by dilation, with the same weights, as DeepLabV3 does.
            The last level is then `P3` or `P4`.
        **kwargs: Further arguments of the function, such as `alpha`; or of
            `keras_hub.models.Backbone`: `name`, `dtype`, `trainable`.

    Input shape:
        `(B, H, W, 3)`, in the range that the network was trained with: what
        `image_scaling` makes of 0..255. A `Segmenter` applies it.

    Output shape:
        The last level, `(B, H / 2^n, W / 2^n, C)`; `pyramid_outputs` has all.

    Raises:
        ValueError: If there is no such network or layer, or a layer does not have
            the stride of its level.

    Example:

    ```python
    import keras_seg

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    print({k: v.shape[-1] for k, v in backbone.pyramid_outputs.items()})
    ```
    """

    def __init__(
        self, network, pyramid_layers=None, weights=None, output_stride=None, **kwargs
    ):
        function = getattr(keras.applications, str(network), None)
        if not inspect.isfunction(function):
            names = [
                name
                for name, value in vars(keras.applications).items()
                if inspect.isfunction(value)
            ]
            raise ValueError(
                f"Unknown network '{network}'. keras.applications has: "
                f"{', '.join(sorted(names))}."
            )
        if output_stride not in (None, 8, 16):
            raise ValueError(
                "`output_stride` must be 8, 16 or None. "
                f"Received: output_stride={output_stride}."
            )
        base = {
            key: kwargs.pop(key)
            for key in ("name", "dtype", "trainable")
            if key in kwargs
        }

        # === Layers ===
        with _default_dtype_policy(base.get("dtype")):
            full = function(
                include_top=False,
                weights="imagenet" if weights == "imagenet" else None,
                input_shape=(None, None, 3),
                **kwargs,
            )
            strides = layer_strides(full)
            if output_stride is not None:
                full = dilated_copy(full, strides, output_stride)
                strides = layer_strides(full)
                if max(strides.values()) != output_stride:
                    raise ValueError(
                        f"{network} cannot be dilated: strides behind "
                        f"{output_stride} come out as {max(strides.values())}. Leave "
                        "`output_stride` out, or take a network whose kernels have "
                        "odd sizes."
                    )
        if pyramid_layers is None:
            pyramid_layers = _last_layer_of_each_stride(full, strides)
        pyramid = {}
        for level, layer_name in sorted(pyramid_layers.items()):
            if strides.get(layer_name) != 2 ** int(level[1:]):
                raise ValueError(
                    f"Level {level} must be a layer of stride {2 ** int(level[1:])}. "
                    f"Received: '{layer_name}' of stride {strides.get(layer_name)} in "
                    f"{network}. Its last layer of each stride: "
                    f"{_last_layer_of_each_stride(full, strides)}."
                )
            pyramid[level] = full.get_layer(layer_name).output

        # === Functional Model ===
        last = pyramid[max(pyramid)]
        if weights not in (None, "imagenet"):
            _load_weights(full, last, weights)
        super().__init__(inputs=full.input, outputs=last, **base)
        self.pyramid_outputs = pyramid

        # === Config ===
        self.network = network
        self.pyramid_layers = dict(pyramid_layers)
        self.output_stride = output_stride
        self.network_kwargs = kwargs

    @property
    def image_scaling(self):
        """Scale and offset that `preprocess_input` of the network applies to 0..255.

        Each is a number, or a list of three where the channels differ.
        """
        function = getattr(keras.applications, self.network)
        preprocess = sys.modules[function.__module__].preprocess_input
        colours = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)])  # black, R, G, B
        offset, *primary = np.array(preprocess(colours[None].copy()))[0]
        change = (primary - offset) / 255  # (3, 3): input colour, output channel
        scale = np.diagonal(change)
        if not np.allclose(change, np.diag(scale), atol=1e-6):
            raise ValueError(
                f"{self.network} of keras.applications was trained on blue, green, "
                "red. Take a backbone of keras-hub instead, such as "
                "resnet_50_imagenet, or pass a `preprocessor` of your own."
            )
        if np.ptp(scale) == np.ptp(offset) == 0:
            return float(scale[0]), float(offset[0])
        return scale.tolist(), offset.tolist()

    def get_config(self):
        return {
            **super().get_config(),
            "network": self.network,
            "pyramid_layers": self.pyramid_layers,
            "output_stride": self.output_stride,
            **self.network_kwargs,
        }


@contextlib.contextmanager
def _default_dtype_policy(dtype):
    """keras.applications takes no dtype; its layers follow the global policy."""
    before = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _last_layer_of_each_stride(network, strides):
    found = {}
    for layer in network.layers:  # topological order: the last one stays
        stride = strides.get(layer.name)
        if stride in (2, 4, 8, 16, 32) and "pad" not in layer.name:
            found[f"P{stride.bit_length() - 1}"] = layer.name
    return found


def _load_weights(full, last, path):
    cut = keras.Model(full.input, last)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about layers that a cut file lacks
            full.load_weights(path)
    except ValueError as full_error:
        try:
            cut.load_weights(path)
        except ValueError as cut_error:
            raise ValueError(
                f"The weights in '{path}' fit neither the whole network "
                f"({full_error}) nor the one cut at its last pyramid level "
                f"({cut_error})."
            ) from cut_error
