"""Videos and cameras of `keras-seg predict`."""

import functools
import glob
import os
from pathlib import Path

from tqdm import tqdm

from keras_seg_cli.batch import tell
from keras_seg_cli.image_jobs import plan_jobs


def take_videos(words):
    """Splits words of the command line into videos and others.

    Args:
        words: List of strings: files, cameras, folders and patterns.

    Returns:
        `(videos, others)`: list of paths, each once, and list of words.

    Example:

    ```python
    from keras_seg_cli.video_jobs import take_videos

    print(take_videos(["a.jpg", "clip.mp4", "camera:0"])[1])  # ['a.jpg']
    ```
    """
    from keras_seg_runtime.video.frames import is_video

    videos, others = {}, []
    for word in words:
        if not is_video(word) or os.path.isdir(word):
            others.append(word)
            continue
        found = [word]
        if glob.has_magic(word) and not os.path.lexists(word):
            found = sorted(glob.glob(word, recursive=True)) or found
        videos.update((os.path.realpath(path), Path(path)) for path in found)
    if videos:
        # FFmpeg reports damaged frames, and OpenCV missing cameras, on stderr.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    return list(videos.values()), others


def plan_videos(paths, output, overwrite):
    """Plans the label video and the overlay video of each video; see `plan_jobs`."""
    return plan_jobs(paths, output, "mp4", overwrite, labels_format="mkv")


def segment_video_job(job, segment, draw, options, done):
    """Segments one video.

    Args:
        job: `ImageJob` of `plan_videos`.
        segment: Function from an image to labels.
        draw: Function from an image and labels to an overlay of the same size.
        options: Namespace of `every` and `frames`.
        done: Function that is called with a name for each frame and its labels.

    Returns:
        Boolean. Whether the whole video was segmented.

    Raises:
        KeyboardInterrupt: If it was interrupted; the files are complete until then.
    """
    from keras_seg_runtime import segment_video

    source = str(job.image)
    camera = source.startswith("camera:")
    with tqdm(unit="frame", disable=None, leave=False) as bar:

        def frame_done(index, labels):
            bar.update()
            done(f"{source}#{index}", labels)

        result = segment_video(
            segment,
            source,
            job.labels,
            job.overlay,
            functools.partial(_draw, draw),
            every=options.every,
            max_frames=options.frames,
            done=frame_done,
        )
    if result.interrupted and not camera:
        tell(f"{source}: {result.problem}, which are kept")
        raise KeyboardInterrupt
    if result.interrupted:
        tell(f"{source}: stopped after {result.frames} frames")
        return True
    if result.problem:
        tell(f"{source}: {result.problem}; the labels until there are kept")
        return False
    return True


def _draw(draw, image, labels):
    return draw(image, labels, legend=False)
