"""The frames of a video file or a camera, one at a time."""

import math
import os
import re

from keras_seg_runtime.optional import import_optional

VIDEO_SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".avi",
    ".webm",
    ".mpg",
    ".mpeg",
    ".wmv",
    ".mts",
)
CAMERA = re.compile(r"camera:(\d+)")
DEFAULT_RATE = 25.0  # of sources that do not state theirs
# Counts that containers state may be estimates.
COMPLETE = 0.98


def is_video(word):
    """Whether a word names a video file by its suffix, or a camera: `camera:0`."""
    return bool(CAMERA.fullmatch(word)) or word.lower().endswith(VIDEO_SUFFIXES)


class Frames:
    """Reads every N-th frame of a video or a camera; the others are skipped.

    Iterate over it once. Only one frame is in memory. `close` frees the source.

    Args:
        source: Path of a video file, or `camera:N` with the number of a camera.
        every: Integer. 1 reads all frames.

    Attributes:
        rate: Float. Frames per second of those that are read.
        expected: Integer. About how many will be read; 0 if it is not known.
        read: Integer. How many were read.

    Raises:
        ValueError: If the source cannot be opened.
        ModuleNotFoundError: If OpenCV is missing.

    Example:

    ```python
    from keras_seg_runtime.video.frames import Frames

    try:
        for frame in Frames("nowhere.mp4"):
            print(frame.shape)  # RGB, uint8 (H, W, 3)
    except ValueError as error:
        print(error)
    ```
    """

    def __init__(self, source, every=1):
        if every < 1:
            raise ValueError(f"`every` must be at least 1. Received: {every}")
        self.cv2 = import_optional("cv2", "Video needs", "opencv-python-headless")
        self.source, self.every = source, every
        camera = CAMERA.fullmatch(source)
        if not camera:
            _require_file(source)
        self.capture = self.cv2.VideoCapture(int(camera[1]) if camera else source)
        if not self.capture.isOpened():
            raise ValueError(
                f"There is no {source}, or another program uses it."
                if camera
                else f"'{source}' cannot be read as a video. It is incomplete, damaged "
                "or of an unknown kind: copy it again, or convert it to MP4."
            )
        rate = self.capture.get(self.cv2.CAP_PROP_FPS)
        if not math.isfinite(rate) or not 0 < rate <= 1000:
            rate = DEFAULT_RATE
        count = self.capture.get(self.cv2.CAP_PROP_FRAME_COUNT)
        known = not camera and math.isfinite(count) and 0 < count < 1e9
        self.rate = rate / every
        self.expected = math.ceil(count / every) if known else 0
        self.read = 0

    def __iter__(self):
        index = 0
        while self.capture.grab():
            if index % self.every == 0:
                found, frame = self.capture.retrieve()
                if not found:
                    return
                self.read += 1
                yield self.cv2.cvtColor(frame, self.cv2.COLOR_BGR2RGB)
            index += 1

    def is_complete(self):
        """Whether as many frames were read as the file states."""
        return self.read >= math.floor(self.expected * COMPLETE)

    def close(self):
        self.capture.release()


def _require_file(path):
    if not os.path.exists(path):
        raise ValueError(f"{path}: no such file")
    if not os.path.isfile(path):
        raise ValueError(f"{path}: not a file but a folder, a device or a pipe")
