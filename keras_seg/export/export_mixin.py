import os
from pathlib import Path

import keras

from keras_seg.export.export_model import export_model
from keras_seg.export.formats import FORMATS, format_of_path


class ExportMixin:
    """Methods of all models that write files for other runtimes."""

    def export_to(
        self,
        path,
        format=None,
        size=None,
        weights="float32",
        labels=False,
        overwrite=False,
        head_logits=False,
    ) -> Path:
        """Exports the model to a file for another runtime, and checks it.

        It works on each backend, for images of any size. See
        `keras_seg.export.export_model`, also for what is checked.

        Args:
            path: String or path. `NAME.onnx`, `NAME.tflite` for LiteRT, `NAME.xml` for
                OpenVINO, or `NAME`, a folder, for a SavedModel. `NAME.json` is written
                beside it.
            format: `"onnx"`, `"litert"`, `"openvino"` or `"saved-model"`; by default
                that of the suffix.
            size, weights, labels, overwrite, head_logits: See
                `keras_seg.export.export_model`.

        Returns:
            The path of the file.

        Raises:
            ValueError: If the model cannot be converted, or the file differs from it.
            FileExistsError: If the file exists and `overwrite` is `False`.
            ModuleNotFoundError: If packages for the format are missing.
        """
        path = Path(os.fspath(path))
        by_suffix = format_of_path(path)
        format = format or by_suffix
        if format is None:
            raise ValueError(
                f"The format of '{path}' is not known. Pass format=..., one of "
                f"{list(FORMATS)}, or a name that ends in .onnx, .tflite or .xml."
            )
        suffix = FORMATS[format].suffix if format in FORMATS else ""
        if by_suffix not in (None, format):
            raise ValueError(
                f"The name '{path.name}' is one of format '{by_suffix}'. Received: "
                f"format='{format}'. Pass a name that ends in '{suffix}'."
            )
        name = path.name.removesuffix(suffix)
        return export_model(
            self,
            path.parent,
            name,
            [format],
            size,
            weights,
            labels,
            overwrite,
            head_logits,
        )[0]

    def export(self, filepath, format="tf_saved_model", **kwargs) -> None:
        """Keras's own export, where it is right: a SavedModel on TensorFlow.

        Args:
            filepath: Path of the folder.
            format: String. Only `"tf_saved_model"`.
            **kwargs: See `keras.Model.export`.

        Raises:
            ValueError: If the format or the backend is one for which Keras writes no
                file, a wrong one, or one of a fixed size of 1 x 1 pixels. The message
                names the way that works.
        """
        backend = keras.config.backend()
        if format == "tf_saved_model" and backend == "tensorflow":
            return super().export(filepath, format=format, **kwargs)
        ours = {"tf_saved_model": "saved-model", "litert": "litert"}.get(format, format)
        advice = f"model.export_to(path, format='{ours}')"
        if ours not in FORMATS:
            advice = f"model.export_to(path, format=...), one of {list(FORMATS)}"
        raise ValueError(
            f"Keras's export to '{format}' on {backend} fails for this model or writes "
            f"a file that differs from it. Use {advice}, which checks the file and "
            "works on each backend."
        )
