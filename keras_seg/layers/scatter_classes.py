import keras
import numpy as np
from keras import ops

# The softmax of it is 0 in every float type, and half precision can represent it.
ABSENT_LOGIT = -1e4


@keras.saving.register_keras_serializable(package="keras_seg")
class ScatterClasses(keras.layers.Layer):
    """Scatters the logits of some classes to their ids among all classes of a data set.

    The other classes get a logit so low that their probability is 0. A model that was
    trained on a part of a label set thus predicts the ids of the whole set.

    Args:
        class_ids: List of integers. The class id of each input channel.
        num_classes: Integer. Number of output channels.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape:
        `(..., len(class_ids))`

    Output shape:
        `(..., num_classes)`

    Raises:
        ValueError: If an id is repeated or not in `0..num_classes - 1`, or the input
            has another number of channels.

    Example:

    ```python
    import numpy as np
    import keras_seg

    layer = keras_seg.layers.ScatterClasses([0, 3], num_classes=4)
    print(layer(np.array([[1.0, 2.0]], "float32")))  # [[1, -1e4, -1e4, 2]]
    ```
    """

    def __init__(self, class_ids, num_classes, **kwargs) -> None:
        super().__init__(**kwargs)
        class_ids = check_class_ids(class_ids, num_classes)
        self.input_spec = keras.layers.InputSpec(axes={-1: len(class_ids)})
        self.class_ids = class_ids
        self.num_classes = int(num_classes)
        # The channel of each class. One more channel is that of all absent classes.
        self.channels = np.full(self.num_classes, len(class_ids), "int32")
        self.channels[class_ids] = np.arange(len(class_ids))

    def call(self, inputs):
        absent = ops.full_like(inputs[..., :1], ABSENT_LOGIT)
        x = ops.concatenate([inputs, absent], axis=-1)  # (..., K' + 1)
        return ops.take(x, self.channels, axis=-1)  # (..., K)

    def labels_learned(self, labels, ignore_class):
        """Labels in which all classes but those of `class_ids` are void.

        Args:
            labels: Integer tensor `(B, H, W)` of class ids.
            ignore_class: Integer. The void label.

        Returns:
            List of two int32 tensors `(B, H, W)`: class ids and input channels.
        """
        labels = ops.cast(labels, "int32")
        is_class = ops.logical_and(labels >= 0, labels < self.num_classes)
        channels = ops.take(self.channels, ops.clip(labels, 0, self.num_classes - 1))
        learned = ops.logical_and(is_class, channels < len(self.class_ids))
        return [ops.where(learned, x, ignore_class) for x in (labels, channels)]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "class_ids": self.class_ids,
            "num_classes": self.num_classes,
        }


def has_channel(logits):
    """Where logits are not those of absent classes: a boolean tensor of their shape.

    Half precision rounds `ABSENT_LOGIT`, so that values close to it count as well.
    """
    return ops.abs(logits - ABSENT_LOGIT) > -0.01 * ABSENT_LOGIT


def check_class_ids(class_ids, num_classes):
    """The ids as a list of integers, if they are different ids of classes."""
    class_ids = [int(i) for i in class_ids]
    wrong = sorted({i for i in class_ids if not 0 <= i < num_classes})
    repeated = sorted({i for i in class_ids if class_ids.count(i) > 1})
    if wrong or repeated or not class_ids:
        raise ValueError(
            "`class_ids` must be one or more different integers in "
            f"0..{num_classes - 1}. Received: class_ids={class_ids}, of which "
            f"{wrong} are out of range and {repeated} are repeated."
        )
    return class_ids
