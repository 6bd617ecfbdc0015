"""The JSON file that a command writes its results to."""

import json
import os


def problem_of_output(path, overwrite):
    """Why a file cannot be written, checked before the evaluation starts."""
    if path is None:
        return None
    if os.path.isdir(path):
        return f"{path}: is a folder"
    if os.path.exists(path) and not overwrite:
        return f"{path}: exists, pass --overwrite to replace it"
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"{path}: there is no folder {folder}"
    return None


def write_result(result, path):
    """Writes the results, so that the file is never incomplete."""
    from keras_seg_runtime.unfinished_file import unfinished_file  # imports NumPy

    with unfinished_file(path) as draft:
        draft.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
