"""The head computes what the published code computes."""

import pathlib

import numpy as np
import pytest
from keras import ops

from keras_seg.conversion import load_ecenet_head
from keras_seg.layers import ECENetHead

GOLDEN = pathlib.Path(__file__).parent / "golden"
STEPS = {
    "reconstructed": "reconstructed",
    "mask": "masks",
    "class_embeddings": "class_embeddings",
    "attended": "attended",
    "gated": "gated",
    "upscaled": "upsampled",
}


def run_golden(name, query_activation):
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
    return arrays, outputs


@pytest.mark.parametrize(
    ("name", "query_activation"),
    [("ecenet_head.npz", "relu"), ("ecenet_head_linear_query.npz", None)],
)
def test_every_published_output_is_reproduced(name, query_activation):
    arrays, outputs = run_golden(name, query_activation)
    compared = 0
    for key, expected in arrays.items():
        if not key.startswith("outputs/"):
            continue
        step, _, level = key.removeprefix("outputs/").partition("/")
        if step == "diversity":
            actual = outputs["diversity"][int(level)]
        elif level:
            actual = outputs[STEPS[step]][int(level)]
        else:
            actual = outputs[step]
        if expected.ndim == 4:
            expected = expected.transpose(0, 2, 3, 1)
        np.testing.assert_allclose(
            ops.convert_to_numpy(actual), expected, atol=1e-4, rtol=0, err_msg=key
        )
        compared += 1
    assert compared == 27


def test_the_two_query_projections_differ():
    arrays, outputs = run_golden("ecenet_head.npz", None)
    logits = ops.convert_to_numpy(outputs["logits"])
    expected = arrays["outputs/logits"].transpose(0, 2, 3, 1)
    assert np.abs(logits - expected).max() > 1e-3
