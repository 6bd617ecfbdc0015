"""One process of a training on two devices, which one device then continues.

Without a folder for that, it is one step with one image on each device.
"""

import functools
import json
import os
import pathlib
import sys

from project_paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import keras  # noqa: E402
import many_devices  # noqa: E402
from tiny_backbone import TinyBackbone  # noqa: E402

import keras_seg  # noqa: E402

STEPS, MORE = 3, 5
POOL_DIM = 4  # of the vector of the image, which one image per device has
PROCESSES = ("WORLD_SIZE", "KERAS_DISTRIBUTION_JOB_ADDRESSES", "TF_CONFIG")


def tiny_model(loss, optimizer, pool_dim=0):
    keras.utils.set_random_seed(0)
    model = keras_seg.CPT(
        TinyBackbone(num_levels=2),
        many_devices.CLASSES,
        hidden_dim=8,
        num_heads=2,
        pool_dim=pool_dim,
        dropout=0.0,
        memory_momentum=0.3,
        freeze_backbone_norm=False,
    )
    if loss == "segmentation":
        loss = keras_seg.losses.SegmentationLoss(jaccard=1.0)
    optimizer = keras.optimizers.SGD(0.5, global_clipnorm=0.5)
    model.compile(optimizer, loss=loss, run_eagerly=False)
    return model


def leave_processes():
    for name in PROCESSES:
        os.environ.pop(name, None)


def compare_first_step(devices, loss):
    """One step with as many images as devices, which the head pools into vectors.

    Later steps would compare nothing: the normalisation of two vectors makes rounding
    errors grow from step to step, also on one device.
    """
    many_devices.make_model = functools.partial(tiny_model, pool_dim=POOL_DIM)
    many_devices.BATCH = 2
    many = many_devices.train(devices, 1, loss, None)
    if many is None:
        return
    leave_processes()
    one = many_devices.train(None, 1, loss, None)
    result = many_devices.compare(one, many)
    print(json.dumps({**result, "devices": many["devices"]}))


def main(devices, loss, folder=None):
    many_devices.make_model = tiny_model
    if folder is None:
        compare_first_step(int(devices) or None, loss)
        return
    folder = pathlib.Path(folder)
    many = many_devices.train(int(devices) or None, STEPS, loss, None, folder)
    if many is None:
        return
    leave_processes()
    resumed = many_devices.train(None, MORE, loss, None, folder)
    one = many_devices.train(None, MORE, loss, None)
    for key in one:
        if key not in ("memory", "weights", "devices"):
            resumed[key] = many[key] + resumed[key]
    result = many_devices.compare(one, resumed)
    result["devices"] = many["devices"]
    result["progress"] = one["loss"][0] - one["loss"][-1]
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
