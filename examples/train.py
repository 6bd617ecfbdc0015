"""Trains and evaluates a segmentation model, on any backend.

    KERAS_BACKEND=tensorflow python examples/train.py --model ecenet --data camvid \
        --data-dir CAMVID --backbone-weights imagenet --output runs/ecenet

    python examples/train.py --data folder --images IMAGES --masks MASKS \
        --val-images IMAGES --val-masks MASKS --num-classes 5 --output runs/mine

    python examples/train.py @examples/recipes/cpt_ade20k_resnet_101.txt \
        --data-dir ADEChallengeData2016 --output runs/cpt

A stopped run can be continued with the same arguments and `--resume`; training
continues with the interrupted epoch. Select models on the val split: `--no-test` does
not use the test split.
"""

import sys

from keras_seg.training import RunError, train_from_arguments

if __name__ == "__main__":
    try:
        train_from_arguments()
    except (RunError, OSError) as error:
        sys.exit(f"error: {error}")
