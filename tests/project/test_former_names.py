"""Files and programs of version 0.1.0 still work."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from project_paths import GOLDEN

import keras_seg
from keras_seg import former_names

# Saved by version 0.1.0: an ECENet whose config names `Enlarge` and `SpreadClasses`.
MODEL = GOLDEN / "ecenet_version_0_1_0.keras"
LOGITS = GOLDEN / "ecenet_version_0_1_0.npz"


@pytest.mark.no_backend
@pytest.mark.parametrize("order", ["keras, keras_seg", "keras_seg, keras"])
def test_a_model_of_version_0_1_0_loads_in_a_fresh_process(order):
    program = (
        f"import {order}; m = keras.saving.load_model({str(MODEL)!r}); "
        "print(type(m).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "ECENet"


def test_a_model_of_version_0_1_0_computes_the_same():
    model = keras.saving.load_model(MODEL)
    golden = np.load(LOGITS)
    logits = model.predict(golden["images"].astype("float32"), verbose=0)
    np.testing.assert_allclose(logits, golden["logits"], atol=1e-4)


@pytest.mark.no_backend
def test_former_modules_of_the_command():
    from keras_seg.cli.image_jobs import find_images

    from keras_seg_cli import image_jobs

    assert find_images.__module__ == "keras_seg.cli.image_jobs"
    missing = "no file of this name"
    assert find_images([missing]) == image_jobs.find_images([missing])


@pytest.mark.no_backend
def test_every_former_public_name_is_found():
    for module, names in former_names.PUBLIC.items():
        for name, value in names.items():
            assert getattr(module, name) is value


@pytest.mark.no_backend
def test_former_registered_names():
    for name, value in former_names.REGISTERED.items():
        assert keras.saving.get_registered_object(name) is value
    assert keras_seg.layers.Enlarge is keras_seg.layers.ResizeToMultiple
