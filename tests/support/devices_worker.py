"""One process of a training on two devices, then the same training on one."""

import json
import os
import sys

from project_paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import keras  # noqa: E402
import many_devices  # noqa: E402
from tiny_backbone import TinyBackbone  # noqa: E402

import keras_seg  # noqa: E402

STEPS = 3
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
    optimizer = keras.optimizers.SGD(0.5, global_clipnorm=0.5, use_ema=True)
    model.compile(optimizer, loss=loss, run_eagerly=False)
    return model


def main(devices, loss):
    many_devices.make_model = tiny_model
    many = many_devices.train(int(devices) or None, STEPS, loss, None)
    if many is None:
        return
    for name in PROCESSES:
        os.environ.pop(name, None)
    one = many_devices.train(None, STEPS, loss, None)
    result = many_devices.compare(one, many)
    result["devices"] = many["devices"]
    result["progress"] = one["loss"][0] - one["loss"][-1]
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
