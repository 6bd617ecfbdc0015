"""A backbone small enough to train in a test."""

import keras
import keras_hub


@keras.saving.register_keras_serializable(package="keras_seg_tests")
class TinyBackbone(keras_hub.models.FeaturePyramidBackbone):
    """One convolution, normalisation and ReLU per level: P2 of stride 4, P3, ..."""

    def __init__(self, num_levels=4, width=8, dtype=None, **kwargs):
        images = keras.Input((None, None, 3), name="images")
        x, pyramid = images, {}
        for level in range(2, 2 + num_levels):
            stride = 2 if level > 2 else 4
            x = keras.layers.Conv2D(
                width,
                stride,
                strides=stride,
                use_bias=False,
                name=f"conv_{level}",
                dtype=dtype,
            )(x)
            x = keras.layers.BatchNormalization(name=f"norm_{level}", dtype=dtype)(x)
            x = keras.layers.ReLU(name=f"relu_{level}", dtype=dtype)(x)
            pyramid[f"P{level}"] = x
        super().__init__(inputs=images, outputs=x, dtype=dtype, **kwargs)
        self.pyramid_outputs = pyramid
        self.num_levels, self.width = num_levels, width

    def get_config(self):
        return {
            **super().get_config(),
            "num_levels": self.num_levels,
            "width": self.width,
        }
