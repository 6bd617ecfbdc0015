"""Videos of labels: lossless, of the same rate, complete or reported."""

import cv2
import numpy as np
import pytest
from fake_model import fake_labels

from keras_seg_runtime import segment_video
from keras_seg_runtime.video import frames as home
from keras_seg_runtime.video.frames import Frames, is_video
from keras_seg_runtime.video.video_file import LABELS, OVERLAY, VideoFile, read_labels

pytestmark = pytest.mark.no_backend


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def clip(path="clip.avi", count=6, height=48, width=64, rate=12.5):
    """A lossless video whose frames differ."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, height, width, 3), dtype="uint8")
    file = VideoFile(path, rate, "FFV1")
    for image in images:
        file.write(image)
    file.close()
    return images


@pytest.mark.parametrize("size", [(2, 2), (9, 31), (48, 64)], ids=str)
def test_labels_are_kept_exactly(size):
    maps = np.random.default_rng(0).integers(0, 256, (4, *size)).astype("uint8")
    file = VideoFile("labels.mkv", 30.0, LABELS)
    for labels in maps:
        file.write(labels)
    file.close()
    found = np.stack(list(read_labels("labels.mkv")))
    assert found.shape[1:] == tuple(side + side % 2 for side in size)
    np.testing.assert_array_equal(found[:, : size[0], : size[1]], maps)


def test_one_label_map_for_each_frame():
    images = clip()
    seen = []
    result = segment_video(
        lambda image: fake_labels(image).astype("uint8"),
        "clip.avi",
        "labels.mkv",
        "overlay.mp4",
        draw=lambda image, labels: image,
        done=lambda index, labels: seen.append(index),
    )
    assert (result.frames, result.problem) == (6, None)
    assert seen == list(range(6))
    found = list(read_labels("labels.mkv"))
    np.testing.assert_array_equal(found, [fake_labels(image) for image in images])
    for path in ("labels.mkv", "overlay.mp4"):
        assert Frames(path).rate == pytest.approx(12.5)
    assert len(list(Frames("overlay.mp4"))) == 6


def test_every_third_frame_and_a_limit():
    images = clip(count=8)
    options = {"every": 3, "max_frames": 2}
    result = segment_video(lambda x: x[..., 0], "clip.avi", "labels.mkv", **options)
    assert (result.frames, result.problem) == (2, None)
    np.testing.assert_array_equal(list(read_labels("labels.mkv")), images[:4:3, ..., 0])
    assert Frames("labels.mkv").rate == pytest.approx(12.5 / 3, rel=0.01)


def test_a_truncated_video_is_kept_and_reported(tmp_path):
    clip(count=20)
    content = (tmp_path / "clip.avi").read_bytes()
    (tmp_path / "clip.avi").write_bytes(content[: len(content) // 2])
    result = segment_video(lambda image: image[..., 0], "clip.avi", "labels.mkv")
    assert 5 <= result.frames < 15
    assert f"ends after {result.frames} of about 20 frames" in result.problem
    assert len(list(read_labels("labels.mkv"))) == result.frames


def test_what_is_no_video_leaves_nothing(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "labels.mkv").write_text("precious")
    for name, message in (
        ("text.mp4", "cannot be read as a video"),
        ("nowhere.mp4", "no such file"),
        ("camera:99", "There is no camera:99"),
    ):
        with pytest.raises(ValueError, match=message):
            segment_video(lambda image: image[..., 0], name, "labels.mkv")
    assert (tmp_path / "labels.mkv").read_text() == "precious"


def test_an_error_leaves_nothing(tmp_path):
    clip()

    def segment(image):
        raise ValueError("too dark")

    with pytest.raises(ValueError, match="too dark"):
        segment_video(segment, "clip.avi", "labels.mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.avi"]


def test_an_interruption_keeps_what_is_done():
    clip()
    calls = []

    def segment(image):
        calls.append(image)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return image[..., 0]

    result = segment_video(segment, "clip.avi", "labels.mkv")
    assert result.interrupted and result.problem == "interrupted after 3 frames"
    assert len(list(read_labels("labels.mkv"))) == 3


def test_missing_frames_are_an_error(monkeypatch):
    """OpenCV does not say that a disk is full."""
    file = VideoFile("labels.mkv", 25.0, LABELS)
    for _ in range(3):
        file.write(np.zeros((4, 4), "uint8"))
    file.count += 1
    with pytest.raises(OSError, match="3 of 4 frames"):
        file.close()


def test_frames_that_do_not_fit():
    file = VideoFile("a.mp4", 25.0, OVERLAY)
    file.write(np.zeros((4, 6, 3), "uint8"))
    with pytest.raises(ValueError, match="one size"):
        file.write(np.zeros((6, 6, 3), "uint8"))
    with pytest.raises(ValueError, match="up to 255"):
        file.write(np.zeros((4, 6), "int32"))


def test_a_camera(monkeypatch):
    """Without a known number of frames, and at a rate that it does not state."""

    class Camera:
        def __init__(self, number):
            assert number == 2
            self.left = 3

        def isOpened(self):  # noqa: N802
            return True

        def get(self, key):
            return {cv2.CAP_PROP_FPS: 0.0, cv2.CAP_PROP_FRAME_COUNT: -1.0}[key]

        def grab(self):
            self.left -= 1
            return self.left >= 0

        def retrieve(self):
            return True, np.full((4, 6, 3), (1, 2, 3), "uint8")

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    frames = Frames("camera:2")
    assert frames.rate == home.DEFAULT_RATE and frames.expected == 0
    assert [tuple(frame[0, 0]) for frame in frames] == [(3, 2, 1)] * 3
    assert frames.is_complete()


def test_names_of_videos():
    assert is_video("a/CLIP.MP4") and is_video("camera:0")
    assert not is_video("a.png") and not is_video("camera:x")
