"""Writes the files of a model, on TensorFlow: a process of its own runs this.

    KERAS_BACKEND=tensorflow python -m keras_seg.export.worker ORDER.json

The order is written by `keras_seg.export.convert_in_process`.
"""

import functools
import importlib
import json
import sys
import traceback
from pathlib import Path

import keras

from keras_seg.export.saved_model import images_function, write_saved_model


def main(order_path):
    """Carries out an order and writes `{"errors": {FORMAT: TEXT}}` beside it."""
    order_path = Path(order_path)
    order = json.loads(order_path.read_text())
    errors = {}
    try:
        writer = Writer(order)
    except Exception as error:  # any type, reported by the caller
        traceback.print_exc()
        errors = dict.fromkeys(order["files"], _one_line(error))
    else:
        for form, path in order["files"].items():
            try:
                writer.write(form, path)
            except Exception as error:
                traceback.print_exc()
                errors[form] = _one_line(error)
    order_path.with_name("result.json").write_text(json.dumps({"errors": errors}))


class Writer:
    """Writes the files of one model.

    Args:
        order: Dictionary of `model`, the path of a saved model, `modules`, `size`,
            `output` and `weights`.
    """

    def __init__(self, order):
        for module in order["modules"]:  # they register the classes of the model
            importlib.import_module(module)
        model = keras.saving.load_model(order["model"], compile=False)
        self.model, self.size, self.output = model, order["size"], order["output"]
        self.half = order["weights"] == "float16"
        self.function = images_function(model, self.size, self.output, self.half)

    def write(self, form, path):
        if form == "saved-model":
            write_saved_model(self.function, path)
        elif form == "litert":
            from keras_seg.export.litert_file import write_litert

            write_litert(self.function, path, self.half)
        elif form == "onnx":
            from keras_seg.export.onnx_file import write_onnx

            write_onnx(self.onnx, path, self.half)
        elif form == "openvino":
            from keras_seg.export.onnx_file import write_onnx
            from keras_seg.export.openvino_file import write_openvino

            # Not the name of the file for ONNX, which may lie beside it.
            draft = Path(path).with_suffix(".draft.onnx")
            write_onnx(self.onnx, draft)
            write_openvino(draft, path, self.half)

    @functools.cached_property
    def onnx(self):
        from keras_seg.export.onnx_file import convert_to_onnx

        free = images_function(self.model, None, self.output, self.half)
        return convert_to_onnx(free, self.size)


def _one_line(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}"


if __name__ == "__main__":
    main(sys.argv[1])
