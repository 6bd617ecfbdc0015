"""Outputs of the head beside those of the published code, for the same weights."""

import numpy as np
from keras import ops
from project_paths import GOLDEN

from keras_seg.conversion import load_ecenet_head
from keras_seg.layers import ECENetHead

# Each file needs its own activation of the query projection.
QUERY_ACTIVATIONS = {
    "ecenet_head.npz": "relu",
    "ecenet_head_linear_query.npz": None,
}
NUM_OUTPUTS = 27

STEPS = {
    "reconstructed": "reconstructed",
    "mask": "masks",
    "class_embeddings": "class_embeddings",
    "attended": "attended",
    "gated": "gated",
    "upscaled": "upsampled",
}


def golden_pairs(name, query_activation):
    """Maps the name of each output in a file to `(actual, expected)` arrays."""
    with np.load(GOLDEN / name) as file:
        arrays = {key: file[key] for key in file.files}
    weights = {
        key.removeprefix("weights/"): value
        for key, value in arrays.items()
        if key.startswith("weights/")
    }
    pyramid = [arrays[f"inputs/{i}"].transpose(0, 2, 3, 1) for i in range(4)]
    head = ECENetHead(7, hidden_dim=32, query_activation=query_activation)
    head.build([x.shape for x in pyramid])
    load_ecenet_head(head, weights)
    outputs = head(pyramid, training=False, return_details=True)
    pairs = {}
    for key, expected in arrays.items():
        if not key.startswith("outputs/"):
            continue
        key = key.removeprefix("outputs/")
        step, _, level = key.partition("/")
        if step == "diversity":
            actual = outputs["diversity"][int(level)]
        elif level:
            actual = outputs[STEPS[step]][int(level)]
        else:
            actual = outputs[step]
        if expected.ndim == 4:
            expected = expected.transpose(0, 2, 3, 1)
        pairs[key] = ops.convert_to_numpy(actual), expected
    return pairs
