"""Two devices train the model that one trains with the same batches."""

import json
import sys

import keras
import pytest
from project_paths import ROOT, TESTS

sys.path.insert(0, str(ROOT / "benchmarks"))

from many_devices import run_processes

WORKER = TESTS / "support" / "devices_worker.py"
BACKEND = keras.config.backend()


def train_on(devices, processes, loss, *folder):
    """Differences to one device, as the first process measured them."""
    # 0 leaves the number out: the environment describes the processes.
    number = str(devices if processes == 1 else 0)
    command = [sys.executable, str(WORKER), number, loss, *map(str, folder)]
    codes, output = run_processes(command, BACKEND, devices, processes, timeout=1800)
    assert codes == [0] * processes
    return json.loads(output.splitlines()[-1])


# The loss of Keras is weighted by code that depends on no backend.
LOSSES = ["segmentation", "auto"] if BACKEND == "torch" else ["segmentation"]


@pytest.mark.parametrize("loss", LOSSES)
def test_two_devices_train_as_one_and_one_continues(loss, tmp_path):
    result = train_on(2, 2 if BACKEND == "torch" else 1, loss, tmp_path)
    assert result["devices"] == 2
    assert result["progress"] > 0.01
    # Images are void on 0 to 7 of 8 parts: means of each device would differ by more.
    for key in ("loss", "dice_loss", "mask_loss", "mean_iou", "val_mean_iou"):
        assert result[key] < 2e-5, key
    assert result["memory"] < 2e-5
    assert result["weights"] < 2e-5


def test_one_image_on_each_device_is_a_batch():
    """The vectors of the images are normalised together, and their statistics kept."""
    result = train_on(2, 2 if BACKEND == "torch" else 1, "segmentation")
    assert result["devices"] == 2
    assert result["loss"] < 1e-4
    assert result["weights"] < 1e-3
