"""Outputs of the CPT head beside those of the published code, for the same weights."""

import numpy as np
from keras import ops
from project_paths import GOLDEN

from keras_seg.conversion import load_cpt_head
from keras_seg.layers import CPTHead

# The source of each file.
SOURCES = {"cpt_head.npz": "memory", "cpt_head_no_memory.npz": "prototypes"}
NUM_OUTPUTS = {"cpt_head.npz": 10, "cpt_head_no_memory.npz": 7}


def read_golden(name):
    """The weights, the pyramid and the outputs in a file, channels last."""
    with np.load(GOLDEN / name) as file:
        arrays = {key: file[key] for key in file.files}
    parts = {"weights": {}, "inputs": {}, "outputs": {}}
    for key, value in arrays.items():
        part, _, key = key.partition("/")
        if part != "weights" and value.ndim == 4:
            value = value.transpose(0, 2, 3, 1)
        parts[part][key] = value
    inputs = parts["inputs"]
    return parts["weights"], [inputs[key] for key in sorted(inputs)], parts["outputs"]


def golden_head(name, **kwargs):
    weights, pyramid, _ = read_golden(name)
    head = CPTHead(7, hidden_dim=32, source=SOURCES[name], **kwargs)
    head.build([x.shape for x in pyramid])
    load_cpt_head(head, weights)
    return head


def golden_pairs(name):
    """Maps the name of each output in a file to `(actual, expected)` arrays."""
    _, pyramid, expected = read_golden(name)
    head = golden_head(name)
    outputs = head(pyramid, training=False, return_details=True)
    actual = {"logits": outputs["logits"]}
    for i, masks in enumerate(outputs["mask_logits"]):
        actual[f"masks/{i}"] = masks
        actual[f"prototypes/{i}"] = outputs["prototypes"][2 - i]
    if head.source == "memory":
        head(pyramid, training=True)
        for i, update in enumerate(head.updates):
            memory = update.memory.memory
            actual[f"memory_after_training_step/{i}"] = ops.convert_to_tensor(memory)[
                None
            ]
    return {
        key: (ops.convert_to_numpy(actual[key]), value)
        for key, value in expected.items()
    }
