"""Video files of labels and of overlays."""

import numpy as np

from keras_seg_runtime.optional import import_optional

LABELS = "FFV1"  # lossless, so that class ids are kept
OVERLAY = "mp4v"


class VideoFile:
    """Writes frames of one size to a video file.

    Videos have even sides: a row or column at an odd end is written twice.

    Args:
        path: Path of the file.
        rate: Float. Frames per second.
        codec: `LABELS` for class ids, uint8 `(H, W)`, kept exactly (use `.mkv`), or
            `OVERLAY` for pictures, uint8 `(H, W, 3)` (use `.mp4`).

    Raises:
        OSError: If the file cannot be written.
        ModuleNotFoundError: If OpenCV is missing.

    Example:

    ```python
    import tempfile

    import numpy as np
    from keras_seg_runtime.video.video_file import LABELS, VideoFile, read_labels

    with tempfile.TemporaryDirectory() as folder:
        file = VideoFile(f"{folder}/labels.mkv", 25.0, LABELS)
        file.write(np.array([[0, 1], [2, 255]], "uint8").repeat(16, 0).repeat(16, 1))
        file.close()
        print([labels.shape for labels in read_labels(file.path)])  # [(32, 32)]
    ```
    """

    def __init__(self, path, rate, codec):
        self.cv2 = import_optional("cv2", "Video needs", "opencv-python-headless")
        self.path, self.rate, self.codec = str(path), rate, codec
        self.count = 0
        self.writer = self.size = None

    def write(self, frame):
        """Adds a frame of the size of the first one."""
        if frame.dtype != np.uint8:
            raise ValueError(
                "A video holds class ids up to 255. Received: labels of dtype "
                f"{frame.dtype}"
            )
        padding = [(0, side % 2) for side in frame.shape[:2]]
        padding += [(0, 0)] * (frame.ndim - 2)
        if any(end for _, end in padding):
            frame = np.pad(frame, padding, "edge")
        if self.writer is None:
            self.size = frame.shape
            self.writer = self.cv2.VideoWriter(
                self.path,
                self.cv2.CAP_FFMPEG,
                self.cv2.VideoWriter_fourcc(*self.codec),
                self.rate,
                (frame.shape[1], frame.shape[0]),
                frame.ndim == 3,
            )
            if not self.writer.isOpened():
                raise OSError(
                    f"'{self.path}' cannot be written as video with the codec "
                    f"{self.codec}: check the folder and the installation of OpenCV"
                )
        if frame.shape != self.size:
            raise ValueError(
                f"The frames of a video must have one size. Received: {frame.shape} "
                f"after {self.size}"
            )
        if frame.ndim == 3:
            frame = self.cv2.cvtColor(frame, self.cv2.COLOR_RGB2BGR)
        self.writer.write(np.ascontiguousarray(frame))
        self.count += 1

    def close(self):
        """Completes the file, and checks that all frames are in it.

        Raises:
            OSError: If frames are missing, which OpenCV does not report.
        """
        if self.writer is None:
            return
        self.writer.release()
        self.writer = None
        capture = self.cv2.VideoCapture(self.path)
        found = 0
        while capture.grab():
            found += 1
        capture.release()
        if found != self.count:
            raise OSError(
                f"'{self.path}' has {found} of {self.count} frames: is the disk full?"
            )


def read_labels(path):
    """Yields the label maps of a label video: uint8 arrays `(H, W)`.

    Args:
        path: Path of a file that `VideoFile` wrote with `LABELS`.
    """
    cv2 = import_optional("cv2", "Video needs", "opencv-python-headless")
    capture = cv2.VideoCapture(str(path))
    while True:
        found, frame = capture.read()
        if not found:
            break
        yield np.ascontiguousarray(frame[..., 0])  # grey: three equal channels
    capture.release()
