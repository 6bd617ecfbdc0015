"""An image from stdin, and its label map to stdout, for pipelines of commands."""

import argparse
import contextlib
import os
import sys
import tempfile

from keras_seg_cli.image_jobs import find_images
from keras_seg_cli.video_jobs import take_videos

STREAM = "-"
MAX_BYTES = 1 << 30


@contextlib.contextmanager
def open_streams(options):
    """Replaces `-` among the options by files in a temporary folder.

    On exit, the label map is written to stdout if the output is `-`.

    Args:
        options: Namespace with `images`, `output` and `shares`.

    Yields:
        The options to use.

    Raises:
        ValueError: If `-` is given with other images or other output.

    Example:

    ```python
    from keras_seg_cli.main import build_parser
    from keras_seg_cli.streams import open_streams

    options = build_parser().parse_args(["predict", "a.jpg", "--output", "out"])
    with open_streams(options) as unchanged:
        print(unchanged is options)  # True
    ```
    """
    if STREAM not in (*options.images, options.output):
        yield options
        return
    options = argparse.Namespace(**vars(options))
    if STREAM in options.images and len(options.images) > 1:
        raise ValueError("'-' reads one image from stdin: give no other images")
    to_stdout = options.output == STREAM
    if to_stdout and options.shares and not options.shares_file:
        raise ValueError("stdout takes the labels: give --shares-file FILE for shares")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if STREAM in options.images:
            options.images = [_read_stdin(folder)]
        elif to_stdout and len(find_images(options.images)[0]) > 1:
            raise ValueError("--output - takes one image: give a folder for several")
        elif to_stdout and take_videos(options.images)[0]:
            raise ValueError("--output - takes one image: give a folder for a video")
        if to_stdout:
            options.output = os.path.join(folder, "output")
            options.overwrite = True
            options.place = "stdout"
            stdout = sys.stdout
            with contextlib.redirect_stdout(sys.stderr):
                yield options
            _write_stdout(stdout, options.output)
        else:
            yield options


def _read_stdin(folder):
    path = os.path.join(folder, "stdin")
    with open(path, "wb") as file:
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError("the image on stdin is larger than 1 GiB")
        file.write(content)
    return path


def _write_stdout(stdout, folder):
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        if name.endswith("_labels.png"):
            with open(os.path.join(folder, name), "rb") as file:
                stdout.buffer.write(file.read())
            stdout.buffer.flush()
