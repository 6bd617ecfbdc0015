"""One process of a training on two devices, which one device then continues."""

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
PROCESSES = ("WORLD_SIZE", "KERAS_DISTRIBUTION_JOB_ADDRESSES", "TF_CONFIG")


def tiny_model(loss, optimizer):
    keras.utils.set_random_seed(0)
    model = keras_seg.CPT(
        TinyBackbone(num_levels=2),
        many_devices.CLASSES,
        hidden_dim=8,
        num_heads=2,
        pool_dim=0,
        dropout=0.0,
        memory_momentum=0.3,
        freeze_backbone_norm=False,
    )
    if loss == "segmentation":
        loss = keras_seg.losses.SegmentationLoss(jaccard=1.0)
    optimizer = keras.optimizers.SGD(0.5, global_clipnorm=0.5)
    model.compile(optimizer, loss=loss, run_eagerly=False)
    return model


def main(devices, loss, folder):
    many_devices.make_model = tiny_model
    folder = pathlib.Path(folder)
    many = many_devices.train(int(devices) or None, STEPS, loss, None, folder)
    if many is None:
        return
    for name in PROCESSES:
        os.environ.pop(name, None)
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
