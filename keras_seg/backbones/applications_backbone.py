import inspect
import warnings

import keras
import keras_hub
import numpy as np

from keras_seg.backbones.default_dtype_policy import default_dtype_policy
from keras_seg.backbones.dilation import dilated_copy, layer_strides


@keras.saving.register_keras_serializable(package="keras_seg")
class ApplicationsBackbone(keras_hub.models.FeaturePyramidBackbone):
    """A network of `keras.applications` with feature pyramid outputs.

    Args:
        network: String, the name of a function in `keras.applications`, such as
            `"MobileNetV2"` or `"EfficientNetV2B0"`.
        pyramid_layers: Dictionary from `"P1"` ... `"P5"` to layer names; level `Pn`
            has a stride of `2 ** n`. By default the last layer of each stride. Layers
            after the last level are removed.
        weights: `None`, the path of a weights file of the network without its top,
            whole or cut at its last level, or `"imagenet"`, which Keras downloads.
        output_stride: Integer, 8 or 16, or `None` for the stride of the network. Keeps
            this resolution up to the last layer by dilation, with the same weights, as
            in DeepLabV3. The last level is then `P3` or `P4`.
        **kwargs: Further arguments of the function, such as `alpha`; or of
            `keras_hub.models.Backbone`: `name`, `dtype`, `trainable`.
            `include_preprocessing=False` leaves out the scaling inside the network; a
            model then needs a `preprocessor`.

    Input shape:
        `(B, H, W, 3)`, in the range that the network was trained with: 0..255 with
        `image_scaling` applied. A `Segmenter` does that.

    Output shape:
        The last level, `(B, H / 2^n, W / 2^n, C)`. `pyramid_outputs` has all levels.

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
    ) -> None:
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
        with default_dtype_policy(base.get("dtype")):
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
                        f"{network} cannot be dilated to output_stride="
                        f"{output_stride}: its stride is {max(strides.values())} after "
                        "dilation. Leave `output_stride` out, or use a network whose "
                        "kernels have odd sizes."
                    )
        last_layers = _last_layer_of_each_stride(full, strides)
        pyramid_layers = dict(pyramid_layers or last_layers)
        pyramid = {}
        for level, layer_name in sorted(pyramid_layers.items()):
            if strides.get(layer_name) != 2 ** int(level[1:]):
                raise ValueError(
                    f"Level {level} must be a layer of stride {2 ** int(level[1:])}. "
                    f"Received: '{layer_name}' of stride {strides.get(layer_name)} in "
                    f"{network}. Its last layer of each stride: {last_layers}."
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
        self.pyramid_layers = pyramid_layers
        # Some layers have names with numbers that Keras counts up in each process.
        self.pyramid_is_default = pyramid_layers == last_layers
        self.output_stride = output_stride
        self.network_kwargs = kwargs

    @property
    def image_scaling(self):
        """Scale and offset that `preprocess_input` of the network applies to 0..255.

        Each is a float, or a list of three floats if the channels differ.

        Raises:
            ValueError: If the network takes images with blue first, or its own scaling
                is left out by `include_preprocessing=False`.
        """
        if not self.network_kwargs.get("include_preprocessing", True):
            raise ValueError(
                f"{self.network} scales images in its first layers, which are left "
                "out. Received: include_preprocessing=False. Leave the argument out, "
                "or pass a `preprocessor` of your own to the model."
            )
        function = getattr(keras.applications, self.network)
        module = getattr(keras.applications, function.__module__.split(".")[-1])
        preprocess = module.preprocess_input
        colours = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)])  # black, R, G, B
        offset, *primary = np.array(preprocess(colours[None].copy()))[0]
        change = (primary - offset) / 255  # (3, 3): input colour, output channel
        scale = np.diagonal(change)
        if not np.allclose(change, np.diag(scale), atol=1e-6):
            raise ValueError(
                f"{self.network} of keras.applications was trained on images with the "
                "channels blue, green, red. Use a backbone of keras-hub instead, such "
                "as resnet_50_imagenet, or pass a `preprocessor` of your own."
            )
        if np.ptp(scale) == np.ptp(offset) == 0:
            return float(scale[0]), float(offset[0])
        return scale.tolist(), offset.tolist()

    def get_config(self):
        return {
            **super().get_config(),
            "network": self.network,
            "pyramid_layers": None if self.pyramid_is_default else self.pyramid_layers,
            "output_stride": self.output_stride,
            **self.network_kwargs,
        }


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
            warnings.simplefilter("ignore")  # of layers that a cut file does not have
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
