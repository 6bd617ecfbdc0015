"""Models as files of OpenVINO."""

import openvino


def write_openvino(onnx_path, path, half=False):
    """Converts an ONNX file to a `.xml` file, with its weights in a `.bin` file.

    The way over ONNX is needed: OpenVINO's reader of TensorFlow lacks operations.

    Args:
        onnx_path: Path of the ONNX file.
        path: Path of the `.xml` file.
        half: Boolean. Whether to store weights in half precision.
    """
    model = openvino.convert_model(str(onnx_path))
    openvino.save_model(model, str(path), compress_to_fp16=half)
