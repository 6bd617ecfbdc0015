"""A Pillow image as a file, with every error reported."""

import io


def save_picture(picture, path, **options):
    """Writes a picture as JPEG or PNG, by the suffix of its path.

    Pillow encodes it in memory and Python writes it, because Pillow does not report a
    full disk.

    Args:
        picture: Pillow image.
        path: `pathlib.Path` with the suffix `.jpg` for JPEG, another one for PNG.
        **options: Arguments of `Image.save`.

    Raises:
        OSError: If the file cannot be written.

    Example:

    ```python
    import tempfile
    from pathlib import Path

    from PIL import Image

    from keras_seg_runtime.pictures.save_picture import save_picture

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grey.png"
        save_picture(Image.new("L", (4, 3)), path)
        print(Image.open(path).size)  # (4, 3)
    ```
    """
    form = "JPEG" if path.suffix == ".jpg" else "PNG"
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    path.write_bytes(buffer.getbuffer())
