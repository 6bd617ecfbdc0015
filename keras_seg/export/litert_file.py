"""Models as files of LiteRT, formerly TensorFlow Lite."""

import tensorflow


def write_litert(function, path, half=False):
    """Writes a `.tflite` file of LiteRT's own operations.

    Args:
        function: `ImagesFunction`.
        path: Path of the file.
        half: Boolean. Whether to store weights in half precision.
    """
    concrete = function.function.get_concrete_function()
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions(
        [concrete], function
    )
    if half:
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tensorflow.float16]
    with open(path, "wb") as file:
        file.write(converter.convert())
