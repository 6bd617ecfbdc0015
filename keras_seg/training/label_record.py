"""A file beside masks that says how a teacher made them."""

import json
import pathlib

from keras_seg.data.files.list_images import list_images
from keras_seg.training.replace_file import replace_file
from keras_seg.training.run_error import RunError

NAME = "made_with.json"


def check_record(folder, made_with):
    """Checks that the masks of a folder were made as they would be now.

    In a folder without masks the record is written.

    Args:
        folder: Path of the folder of masks. It is created.
        made_with: Dictionary of what decides on the masks, such as the teacher.

    Raises:
        RunError: If the masks were made in another way, or nothing says how.

    Example:

    ```python
    import tempfile

    from keras_seg.training import RunError
    from keras_seg.training.label_record import check_record

    with tempfile.TemporaryDirectory() as folder:
        check_record(folder, {"threshold": 0.7})
        try:
            check_record(folder, {"threshold": 0.9})
        except RunError as error:
            print(error)  # ... made with threshold 0.7, now it is 0.9 ...
    ```
    """
    folder = pathlib.Path(folder)
    path = folder / NAME
    advice = "Name another folder, or delete this one to label the photos anew."
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if list_images(folder):
            raise RunError(
                f"{folder} holds masks and no {NAME}, which would say how they were "
                f"made. {advice} To train on them as they are, give them with --masks."
            )
        with replace_file(path) as file:
            file.write_text(json.dumps(made_with, indent=2) + "\n")
        return
    try:
        then = dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise RunError(f"{path} cannot be read: {error}. {advice}") from error
    now = json.loads(json.dumps(made_with))
    changed = [
        f"{name} {then.get(name)}, now it is {value}"
        for name, value in now.items()
        if then.get(name) != value
    ]
    if changed:
        raise RunError(
            f"The masks in {folder} were made with {'; '.join(changed)}. {advice}"
        )
