from pathlib import Path

from keras_seg_runtime.exported.description import (
    description_path,
    file_hashes,
    format_of,
    read_description,
)
from keras_seg_runtime.exported.exported_model import ExportedModel
from keras_seg_runtime.exported.sessions import SESSIONS


def load(path, threads=None, cache=None) -> ExportedModel:
    """Loads an exported model, without Keras.

    Args:
        path: Path of the file that `model.export_to` or `keras-seg export` wrote:
            `NAME.onnx`, `NAME.tflite` (LiteRT), `NAME.xml` (OpenVINO) or a folder
            `NAME` (SavedModel). `NAME.json` must be beside it.
        threads: Integer or `None`. Number of CPU threads; by default the runtime
            chooses.
        cache: Path of a folder or `None`. OpenVINO keeps the compiled network there,
            which takes longer than a photo, and uses it when the file is loaded again.
            Nobody else should be able to write to it. The other runtimes start fast
            and ignore it.

    Returns:
        `ExportedModel`.

    Raises:
        ValueError: If a file is damaged or was changed after the export.
        OSError: If a file is missing or cannot be read.
        ModuleNotFoundError: If the runtime of the format is not installed.

    Example:

    ```python
    import keras_seg_runtime

    try:
        model = keras_seg_runtime.load("camvid.onnx")
        labels = model.segment("photo.jpg")
    except OSError as error:
        print(error)  # there is no such file here
    ```
    """
    path = Path(path)
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"`threads` must be a positive integer. Received: {threads!r}")
    if not path.exists():
        raise FileNotFoundError(f"There is no exported model '{path}'.")
    if path.is_file() and format_of(path) == "saved-model":
        raise ValueError(
            f"'{path}' is not an exported model, expected a file NAME.onnx, "
            "NAME.tflite or NAME.xml, or the folder of a SavedModel."
        )
    described = description_path(path)
    description = read_description(described)
    entry = description["files"].get(path.name)
    if entry is None:
        raise ValueError(
            f"'{described}' does not list '{path.name}', but "
            f"{sorted(description['files'])}. Keep the names of exported files, or "
            "export again."
        )
    if file_hashes(path) != entry["sha256"]:
        raise ValueError(
            f"'{path}' is not the file that was exported: it differs from the hash in "
            f"'{described}'. It is damaged or was replaced: copy it or export again."
        )
    form = format_of(path)
    kept = {"cache": cache} if form == "openvino" else {}
    session = SESSIONS[form](path, threads, **kept)
    return ExportedModel(session, description, entry)
