import functools

import keras

from keras_seg.export.export_mixin import ExportMixin
from keras_seg.keras_internals.faster_operations import faster_operations
from keras_seg.keras_internals.low_memory_model import LowMemoryModel
from keras_seg.keras_internals.not_clonable import NotClonable
from keras_seg.keras_internals.rematerialization import rematerialization
from keras_seg.keras_internals.trainable_state import (
    optimizer_variables,
    restore_trainable_state,
    trainable_state,
    variable_paths,
    variables_at,
)
from keras_seg.layers.padded_network import run_layer
from keras_seg.layers.resizing import ResizeToMatch, ResizeToMultiple
from keras_seg.layers.scatter_classes import ScatterClasses
from keras_seg.models.head_logits import HeadLogits
from keras_seg.models.inference_mixin import InferenceMixin
from keras_seg.models.label_map_trainer import LabelMapTrainer
from keras_seg.models.segmenter_checks import (
    check_classes,
    check_learned,
    check_levels,
    check_long_side,
    image_size,
    list_or_none,
)
from keras_seg.models.summary_mixin import SummaryMixin
from keras_seg.presets.preset_mixin import PresetMixin


class Segmenter(
    InferenceMixin,
    ExportMixin,
    PresetMixin,
    SummaryMixin,
    NotClonable,
    LabelMapTrainer,
):
    """Base class of the models: images in, logits of the same height and width out.

    It is a task of keras-hub that adds void labels, images of any size, mean IoU on
    logits, losses of auxiliary outputs, and label maps instead of one-hot targets in
    `compile()`. The preprocessor runs inside the model, not in the data pipeline as in
    keras-hub, so `fit` accepts all kinds of data that Keras accepts, and the model
    takes plain images.

    A subclass creates its head and calls this constructor. The head takes the list of
    pyramid features, finest first, and returns a dictionary with `logits`; in training
    it may return auxiliary outputs, from which `auxiliary_losses` computes losses.
    `sample_weight` does not apply to these losses.

    A call returns logits, also with `training=True`, except in the model's own training
    step. For a custom training loop, `training_outputs(images)` returns the dictionary
    and `auxiliary_loss(labels, outputs)` the weighted sum of the auxiliary losses.

    Args:
        backbone: A `keras_hub.models.FeaturePyramidBackbone`.
        head: Layer with the name `"head"`. Its attribute `class_layers` lists the
            layers whose weights depend on the classes, which `from_preset` can replace.
        num_classes: Integer.
        preprocessor: Layer that scales images in 0..255 as the backbone expects; by
            default as `keras_seg.backbones.ApplicationsBackbone` defines it for its
            network, otherwise to -1..1. It can be a `keras_hub.layers.ImageConverter`.
        pyramid_levels: List of names such as `"P2"`, finest first; by default all
            levels of the backbone from stride 4 on.
        input_scale: Float, at least 1. Images are enlarged by it before the backbone;
            logits have the size of the input image.
        size_multiple: Integer. The coarsest stride. Inside the model, images are
            enlarged to a multiple of it, so that levels stay aligned.
        freeze_backbone_norm: Boolean. Whether the backbone runs in inference mode in
            training: batch statistics do not change, but all weights are still trained.
        class_names: List of strings, one per class, or `None`.
        palette: List of `[red, green, blue]` per class, or `None`.
        classes_learned: List of class ids, or `None` for all. The head then has one
            channel for each of them, in this order, and all other classes get a
            probability of 0. Pixels of those are void in the loss, but not in metrics.
        temperature: Float. Outside training, logits are divided by it to calibrate the
            probabilities, see `keras_seg.metrics.CalibrationError`. Predicted classes
            do not change.
        ignore_class: Integer. The void label.
        long_side: Integer, or `None`. `segment` downscales larger images to it, so that
            objects have about the size they had in training.
        crop_size: `[height, width]` of the crops in training, or `None`. It is only
            saved with the model, which accepts any size.
        test_protocol: Dictionary or `None`. Arguments of
            `keras_seg.inference.TestProtocol`, such as those of the paper.
        rematerialize: Boolean. Whether training computes intermediate results of the
            backbone, and of the attention in the head, again for the gradient instead
            of keeping them: less memory, not with JAX on a CPU, and more time.
            Parts that draw random numbers or update statistics of a batch are kept.
        compile: Boolean. Whether to compile with the defaults.
        **kwargs: Passed to `keras_hub.models.ImageSegmenter`.

    Example:

    ```python
    import keras
    import keras_seg

    class PlainHead(keras.layers.Layer):
        def build(self, shapes):
            self.classifier = keras.layers.Conv2D(3, 1)
            self.classifier.build(shapes[0])

        def call(self, features, training=None):
            return {"logits": self.classifier(features[0])}

    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    head = PlainHead(name="head")
    model = keras_seg.models.Segmenter(backbone, head, num_classes=3)
    print(model.output_shape)  # (None, None, None, 3)
    ```
    """

    def __init__(
        self,
        backbone,
        head,
        num_classes,
        preprocessor=None,
        pyramid_levels=None,
        input_scale=1.0,
        size_multiple=32,
        freeze_backbone_norm=False,
        class_names=None,
        palette=None,
        classes_learned=None,
        temperature=1.0,
        ignore_class=255,
        long_side=None,
        crop_size=None,
        test_protocol=None,
        rematerialize=False,
        compile=True,
        **kwargs,
    ) -> None:
        check_classes(num_classes, class_names, palette, ignore_class)
        check_learned(classes_learned)
        check_long_side(long_side)
        levels = check_levels(backbone, pyramid_levels)
        dtype = backbone.dtype_policy

        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor or keras.layers.Rescaling(
            *getattr(backbone, "image_scaling", (1 / 127.5, -1.0)),
            dtype=dtype,
            name="preprocessor",
        )
        self.head = head
        self.resize_to_multiple = ResizeToMultiple(
            input_scale, size_multiple, dtype=dtype, name="resize_to_multiple"
        )
        self.resize_to_match = ResizeToMatch(dtype=dtype, name="resize_to_match")
        self.scatter_classes = None
        if classes_learned is not None:
            self.scatter_classes = ScatterClasses(
                classes_learned, num_classes, dtype=dtype, name="scatter_classes"
            )
        self.pyramid = LowMemoryModel(
            backbone.input,
            [backbone.pyramid_outputs[level] for level in levels],
            run_layer=run_layer,
            name="pyramid",
        )

        # === Functional Model ===
        self.freeze_backbone_norm = freeze_backbone_norm
        self.rematerialize = bool(rematerialize)
        self.temperature = temperature
        images = keras.Input((*image_size(backbone, input_scale), 3), name="images")
        outputs = self.compute_outputs(images, training=False)
        super().__init__(
            inputs=images, outputs=outputs["logits"], compile=False, **kwargs
        )

        # === Config ===
        self.num_classes, self.pyramid_levels = num_classes, levels
        self.input_scale, self.size_multiple = input_scale, size_multiple
        self.class_names = list_or_none(class_names)
        self.palette = None if palette is None else [list(map(int, c)) for c in palette]
        self.classes_learned = self.scatter_classes and self.scatter_classes.class_ids
        self.ignore_class = int(ignore_class)
        self.long_side = long_side
        self.crop_size = list_or_none(crop_size)
        self.test_protocol = None if test_protocol is None else dict(test_protocol)
        self.auxiliary_trackers = [
            keras.metrics.Mean(name=name) for name in self.auxiliary_loss_names
        ]
        if compile:
            self.compile()

    @faster_operations()
    def compute_head_outputs(self, images, training, size=None):
        """The outputs of the head, with `logits` of its own resolution.

        Args:
            images: Tensor `(B, H, W, 3)`, in 0..255.
            training: Boolean.
            size: See `call_padded`.

        Returns:
            Dictionary with `logits` `(B, h, w, K')`, one channel for each class of the
            head, and its other outputs.
        """
        x = self.preprocessor(images)
        x = self._resize_input(x, size)  # (B, H * scale, W * scale, 3)
        frozen = training and self.freeze_backbone_norm
        again = rematerialization(training and self.rematerialize)
        with self._valid_region(x, size), again:
            features = self.pyramid(x, training=False if frozen else training)
            features = keras.tree.flatten(features)  # a list, also of a single level
            outputs = self.head(features, training=training)
        logits = outputs["logits"]
        if not training:  # before resizing, which makes them large
            logits = logits / self.temperature
        return {**outputs, "logits": logits}

    @faster_operations()
    def compute_outputs(self, images, training, size=None):
        outputs = self.compute_head_outputs(images, training, size)
        logits = self._resize_logits(outputs["logits"], images, size)  # (B, H, W, K')
        return {**outputs, "logits": self.scatter(logits)}

    def scatter(self, logits):
        """Logits of all classes, `(..., K)`, from those of the head, `(..., K')`."""
        if self.scatter_classes is None:
            return logits
        return self.scatter_classes(logits)

    @functools.cached_property
    def head_logits(self):
        """Function of images that computes the logits at the resolution of the head.

        It is `None` for a subclass that overrides how logits are computed.
        """
        own = type(self).call, type(self).compute_outputs
        known = own == (Segmenter.call, Segmenter.compute_outputs)
        return HeadLogits(self) if known else None

    # === Saving ===

    def _roots(self):
        parts = ("backbone", "head", "preprocessor", "pyramid")
        return {"model": self, **{name: getattr(self, name) for name in parts}}

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self.optimizer is not None:
            # They differ from the current ones if layers were frozen without `compile`,
            # and may be missing before the first step.
            variables = optimizer_variables(self.optimizer)
            if {*map(id, variables)} != {*map(id, self.trainable_variables)}:
                config["optimizer_variables"] = variable_paths(self._roots(), variables)
        return config

    def compile_from_config(self, config):
        # Keras leaves this to models whose `compile` has other defaults.
        config = dict(config)
        paths = config.pop("optimizer_variables", None)
        self.compile(**keras.saving.deserialize_keras_object(config))
        variables = self.trainable_variables
        if paths is not None:
            variables = variables_at(self._roots(), paths)
        if variables and self.optimizer is not None:
            self.optimizer.build(variables)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "pyramid_levels": self.pyramid_levels,
            "input_scale": self.input_scale,
            "size_multiple": self.size_multiple,
            "freeze_backbone_norm": self.freeze_backbone_norm,
            "class_names": self.class_names,
            "palette": self.palette,
            "classes_learned": self.classes_learned,
            "temperature": self.temperature,
            "ignore_class": self.ignore_class,
            "long_side": self.long_side,
            "crop_size": self.crop_size,
            "test_protocol": self.test_protocol,
            "rematerialize": self.rematerialize,
            "trainable_state": trainable_state(self._roots()),
        }

    @classmethod
    def from_config(cls, config):
        state = (config := dict(config)).pop("trainable_state", None)
        model = super().from_config(config)
        if state is not None:
            restore_trainable_state(model._roots(), state, cls.__name__)
        return model
