"""What holds for each of our backbones."""

import keras
import numpy as np
from random_weights import random_array


def check_config_and_precision(backbone_class, arguments, size, output_shape):
    """Its config makes it again, in its precision, for standardized images."""
    before = keras.config.dtype_policy().name
    backbone = backbone_class(**arguments, dtype="mixed_bfloat16", name="small")
    assert keras.config.dtype_policy().name == before
    copy = backbone_class.from_config(backbone.get_config())
    assert copy.get_config() == backbone.get_config()
    output = copy.predict_on_batch(random_array(1, *size, 3))
    assert output.dtype.name == "bfloat16" and output.shape == output_shape
    scale, offset = backbone.image_scaling
    assert np.allclose(np.array([123.675, 116.28, 103.53]) * scale + offset, 0)
