"""Segmentation of a video, frame by frame."""

import contextlib
import dataclasses

from keras_seg_runtime.unfinished_file import unfinished_file
from keras_seg_runtime.video.frames import Frames
from keras_seg_runtime.video.video_file import LABELS, OVERLAY, VideoFile


@dataclasses.dataclass
class VideoResult:
    """What became of a video.

    Attributes:
        frames: Integer. The number of frames that were segmented.
        problem: String or `None`. Why there are fewer than the video should have.
        interrupted: Boolean. Whether it was interrupted from the keyboard.
    """

    frames: int = 0
    problem: str | None = None
    interrupted: bool = False


def segment_video(
    segment,
    source,
    labels_path=None,
    overlay_path=None,
    draw=None,
    every=1,
    max_frames=None,
    done=None,
) -> VideoResult:
    """Writes one video of the labels of a video or camera, and one of overlays.

    One frame is in memory at a time. The label video is lossless: its grey values are
    the class ids, and `keras_seg_runtime.video.video_file.read_labels` reads them. If
    the video ends early, or is interrupted from the keyboard, the frames until then
    are kept and `problem` says so. Sound is not kept.

    Args:
        segment: Function from an image, uint8 `(H, W, 3)`, to labels `(H, W)`, such as
            `model.segment`.
        source: Path of a video file, or `"camera:0"`.
        labels_path: Path of the label video, `.mkv`, or `None`. It is replaced if it
            exists.
        overlay_path: Path of the video of overlays, `.mp4`, or `None`.
        draw: Function from an image and its labels to a picture of the same size, for
            the overlays.
        every: Integer. Only every N-th frame is segmented, and the rate of the videos
            is reduced in the same way.
        max_frames: Integer or `None`. Stops after this number of frames.
        done: Function or `None`. Called with the number of the frame, from 0, and its
            labels.

    Returns:
        `VideoResult`.

    Raises:
        ValueError: If the video cannot be read, or has no frames.
        OSError: If a file cannot be written.

    Example:

    ```python
    import keras_seg_runtime

    def segment_clip(model):
        result = keras_seg_runtime.segment_video(
            model.segment, "clip.mp4", "labels.mkv", every=5
        )
        print(result.frames, result.problem)
    ```
    """
    result = VideoResult()
    with contextlib.ExitStack() as stack:
        frames = stack.enter_context(contextlib.closing(Frames(source, every)))
        files = []
        for path, codec in ((labels_path, LABELS), (overlay_path, OVERLAY)):
            if path is not None:
                draft = stack.enter_context(unfinished_file(path))
                files.append(VideoFile(draft, frames.rate, codec))
        try:
            for frame in frames:
                labels = segment(frame)
                pictures = [] if labels_path is None else [labels]
                if overlay_path is not None:
                    pictures.append(draw(frame, labels))
                for file, picture in zip(files, pictures, strict=True):
                    file.write(picture)
                result.frames += 1
                if done is not None:
                    done((result.frames - 1) * every, labels)
                if result.frames == max_frames:
                    break
        except KeyboardInterrupt:
            result.interrupted = True
            result.problem = f"interrupted after {result.frames} frames"
        finally:
            for file in files:
                file.close()
        if not result.frames:
            raise ValueError(
                result.problem or f"'{source}' has no frames that can be decoded."
            )
        if not result.problem and result.frames != max_frames:
            if not frames.is_complete():
                result.problem = (
                    f"ends after {result.frames} of about {frames.expected} frames: "
                    "the file is incomplete or damaged"
                )
    return result
