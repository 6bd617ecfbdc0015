import contextvars
import inspect
import warnings
from typing import Any

import keras
import keras_hub

from keras_seg.data.batches.map_labels import map_labels
from keras_seg.keras_internals.replica_sum import scale_for_replicas
from keras_seg.keras_internals.replicas import Replicas
from keras_seg.metrics.mean_iou import MeanIoU
from keras_seg.models.compile_checks import (
    check_ignore_class,
    check_logits_loss,
    check_void,
    class_weight_error,
    label_maps,
    loss_ignores,
    pixel_weights,
    with_rank,
)
from keras_seg.models.joint_loss import joint_loss
from keras_seg.models.label_check import LabelCheck, labels_named
from keras_seg.optimizers.multiplier_adamw import MultiplierAdamW

# The model whose own training step runs in this thread.
_IN_TRAIN_STEP = contextvars.ContextVar("_IN_TRAIN_STEP", default=None)


class LabelMapTrainer(keras_hub.models.ImageSegmenter):
    """Training on label maps with void, and with auxiliary losses.

    What differs from `keras_hub.models.ImageSegmenter`:

    - `fit` and `evaluate` accept all kinds of data that Keras accepts, as the
      preprocessor is part of the model. Labels are class ids and are checked where
      batches are made.
    - `compile` has defaults for label maps with void.
    - The training step adds the losses of the head's auxiliary outputs. `sample_weight`
      does not apply to them. Only there, a call returns a dictionary; everywhere else
      it returns logits, so that a model can be a layer of another model.

    A subclass defines `compute_outputs`, which returns a dictionary with `logits`, and
    has the attributes `num_classes`, `ignore_class` and `scatter_classes`.
    """

    auxiliary_loss_names = ()
    replicas = Replicas()  # another one while training on several devices

    # === What a subclass defines ===

    def compute_outputs(self, images, training):
        """The dictionary of outputs, with `logits` of the size of the images."""
        raise NotImplementedError

    def auxiliary_losses(self, labels, outputs):
        """Losses of the head's auxiliary outputs in training.

        Args:
            labels: Integer tensor `(B, H, W)`, channels of the head or void.
            outputs: The dictionary that the head returned.

        Returns:
            Dictionary from the names in `auxiliary_loss_names` to pairs of a weight
            and a scalar.
        """
        return {}

    def label_function(self):
        """Function of checked label arrays for training, or `None`."""
        return None

    def split_labels(self, labels):
        """Reverses `label_function`: the class ids, and a dictionary of the rest."""
        return labels, {}

    # === Calls ===

    def call(self, inputs, training=None, mask=None):
        outputs = self.compute_outputs(inputs, training)
        if training and _IN_TRAIN_STEP.get() is self:
            return outputs
        if training and self.auxiliary_loss_names and not self._warned:
            self._warned = True
            warnings.warn(
                f"{type(self).__name__} was called with training=True outside its own "
                "`fit`: the call returns only logits, and the auxiliary losses "
                f"{', '.join(self.auxiliary_loss_names)} are not part of the training. "
                "To train with them, call `training_outputs(images)` and add "
                "`auxiliary_loss(labels, outputs)` to the loss.",
                stacklevel=2,
            )
        return outputs["logits"]

    _warned = False

    def training_outputs(self, images) -> dict:
        """All outputs in training, for a custom training loop or model.

        Args:
            images: Tensor `(B, H, W, 3)`, in 0..255.

        Returns:
            Dictionary with `logits` `(B, H, W, num_classes)` and the auxiliary outputs
            that `auxiliary_loss` takes.
        """
        return self.compute_outputs(images, training=True)

    def auxiliary_loss(self, labels, outputs) -> Any:
        """The weighted sum of the auxiliary losses of one batch.

        Sample weights do not apply to it.

        Args:
            labels: Integer tensor `(B, H, W)`, class ids. A model with a region loss
                expects the result of `keras_seg.data.pack_components`.
            outputs: What `training_outputs` returned.

        Returns:
            Scalar.

        Example:

        ```python
        import keras
        import numpy as np
        import keras_seg

        model = keras_seg.ECENet(
            keras_seg.backbones.SwinBackbone(8, depths=(1, 1), num_heads=(1, 2)),
            num_classes=3,
            hidden_dim=8,
        )
        images, labels = np.zeros((1, 32, 32, 3)), np.zeros((1, 32, 32), "int32")
        outputs = model.training_outputs(images)
        loss = model.auxiliary_loss(labels, outputs)
        ```
        """
        labels, others = self.split_labels(label_maps(labels))
        _, channels = self._labels_learned(labels)
        losses = self.auxiliary_losses(channels, {**outputs, **others})
        return sum(weight * value for weight, value in losses.values())

    # === Data ===

    def fit(self, *args, **kwargs) -> keras.callbacks.History:
        arguments = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs)
        given = arguments.arguments
        del given["self"]
        if given.get("class_weight") is not None:
            raise class_weight_error(given["class_weight"], self.num_classes)
        training = self._label_check(self.label_function())
        x, y = given.get("x"), given.get("y")
        check_ignore_class(x, self.ignore_class)
        on_arrays = training if y is None else training.check_all
        shuffle = bool(given.get("shuffle", True))
        given["x"], given["y"] = map_labels(x, y, on_arrays, shuffle)
        validation = self._label_check()
        if given.get("validation_data") is not None:
            given["validation_data"] = _checked_validation(
                given["validation_data"], validation, self.ignore_class, x
            )
        with labels_named(self, training, validation):
            return keras.Model.fit(self, **given)

    def evaluate(self, x=None, y=None, *args, **kwargs) -> Any:
        check = self._label_check()
        if not kwargs.get("_use_cached_eval_dataset"):  # within `fit`, already checked
            check_ignore_class(x, self.ignore_class)
            x, y = map_labels(x, y, check, evaluation=True)
        with labels_named(self, check):
            return keras.Model.evaluate(self, x, y, *args, **kwargs)

    def train_on_batch(
        self, x, y=None, sample_weight=None, class_weight=None, return_dict=False
    ) -> Any:
        if class_weight is not None:
            raise class_weight_error(class_weight, self.num_classes)
        x, y = map_labels(x, y, self._label_check(self.label_function()))
        return keras.Model.train_on_batch(
            self, x, y, sample_weight, return_dict=return_dict
        )

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False) -> Any:
        x, y = map_labels(x, y, self._label_check())
        return keras.Model.test_on_batch(
            self, x, y, sample_weight, return_dict=return_dict
        )

    def _label_check(self, then=None):
        void_in_loss = loss_ignores(getattr(self, "loss", None), self.ignore_class)
        return LabelCheck(self.num_classes, self.ignore_class, void_in_loss, then)

    # === Training ===

    def compile(
        self, optimizer="auto", loss="auto", *, metrics="auto", **kwargs
    ) -> None:
        """Configures the model for training; every argument has a default.

        Args:
            optimizer: By default AdamW with a learning rate of 6e-5, ten times that for
                the head, and no weight decay on biases and normalisation.
            loss: Loss of logits and label maps; by default cross-entropy that ignores
                void. The auxiliary losses of the method are always added in training;
                `sample_weight` does not apply to them.
            metrics: By default `keras_seg.metrics.MeanIoU`.
            **kwargs: Passed to `keras.Model.compile`.

        Raises:
            ValueError: If the loss expects probabilities, or loss or metrics have
                another void label than the model.
        """
        if optimizer == "auto":
            optimizer = MultiplierAdamW(
                6e-5,
                multipliers={"^head/": 10.0},
                weight_decay=0.01,
                no_decay=["bias", "gamma", "beta"],
            )
        if loss == "auto":
            loss = keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=self.ignore_class
            )
        if metrics == "auto":
            metrics = [MeanIoU(self.num_classes, self.ignore_class)]
        check_logits_loss(loss)
        check_void([loss, metrics, kwargs.get("weighted_metrics")], self)
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def train_step(self, *args, **kwargs):
        token = _IN_TRAIN_STEP.set(self)
        try:
            return self.replicas.train_step(super().train_step, *args, **kwargs)
        finally:
            _IN_TRAIN_STEP.reset(token)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        outputs = y_pred if isinstance(y_pred, dict) else {"logits": y_pred}
        y, others = self.split_labels(with_rank(y, outputs["logits"]))
        y, channels = self._labels_learned(y)
        weights = pixel_weights(sample_weight, outputs["logits"])
        loss = super().compute_loss(x, y, outputs["logits"], weights, training)
        loss = joint_loss(loss, self.loss, y, self.ignore_class)
        if not isinstance(y_pred, dict):
            return loss
        channels, others = keras.tree.map_structure(label_maps, (channels, others))
        losses = self.auxiliary_losses(channels, {**outputs, **others})
        for tracker in self.auxiliary_trackers:
            weight, value = losses[tracker.name]
            tracker.update_state(value)
            value = scale_for_replicas(weight * keras.ops.cast(value, loss.dtype))
            loss = loss + value
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        outputs = y_pred if isinstance(y_pred, dict) else {"logits": y_pred}
        y, _ = self.split_labels(with_rank(y, outputs["logits"]))
        weights = pixel_weights(sample_weight, outputs["logits"])
        results = super().compute_metrics(x, y, outputs["logits"], weights)
        return self.training_logs() if isinstance(y_pred, dict) else results

    def get_metrics_result(self):
        # The auxiliary losses exist only in training; `compute_metrics` adds them.
        with self.replicas.joint_metrics(self):
            results = super().get_metrics_result()
        names = [name for name in results if name not in self.auxiliary_loss_names]
        return {name: results[name] for name in names}

    def training_logs(self):
        """The values of the metrics and of the auxiliary losses."""
        with self.replicas.joint_metrics(self):
            auxiliary = {t.name: t.result() for t in self.auxiliary_trackers}
            return {**self.get_metrics_result(), **auxiliary}

    def make_train_function(self, force=False):
        # TensorFlow traces a step twice if the step creates the optimizer's variables.
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        super().make_train_function(force)
        self.replicas.make_train_function(self)

    def _labels_learned(self, labels):
        if self.scatter_classes is None or labels is None:
            return labels, labels
        return self.scatter_classes.labels_learned(labels, self.ignore_class)


def _checked_validation(data, check, ignore_class, trained_on):
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    check_ignore_class(x, ignore_class)
    x, y = map_labels(x, y, check, evaluation=True, trained_on=trained_on)
    return x if y is None else (x, y, sample_weight)
