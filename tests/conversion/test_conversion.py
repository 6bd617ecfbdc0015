"""Published arrays go into a head completely or not at all."""

import numpy as np
import pytest
from keras import ops
from random_weights import set_random_weights

from keras_seg.conversion import (
    cpt_head_names,
    ecenet_head_names,
    load_cpt_head,
    load_ecenet_head,
)
from keras_seg.layers import CPTHead, ECENetHead

FAMILIES = {
    "ECENet": (ECENetHead, ecenet_head_names, load_ecenet_head, "norms.1.weight"),
    "CPT": (
        CPTHead,
        cpt_head_names,
        load_cpt_head,
        "cft_blocks.0.cross_attn.kv.memory",
    ),
}
VARIANTS = [
    ("ECENet", {"gated": True}),
    ("ECENet", {"gated": False}),
    ("CPT", {"source": "memory"}),
    ("CPT", {"source": "prototypes", "pool_dim": 0}),
]


def build_head(head_class, **kwargs):
    head = head_class(3, hidden_dim=8, num_heads=2, **kwargs)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    return head


def random_arrays(names):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in names.items()}


@pytest.mark.parametrize(("family", "kwargs"), VARIANTS)
def test_every_weight_has_a_name_and_is_loaded(family, kwargs):
    head_class, names, load, _ = FAMILIES[family]
    head = build_head(head_class, **kwargs)
    set_random_weights(head, seed=1)
    weights = [w for w in head.weights if w.name != "step"]
    before = [ops.convert_to_numpy(w).copy() for w in weights]
    arrays = random_arrays(names(head))
    assert len(arrays) == len(before)
    load(head, arrays)
    for old, new in zip(before, weights, strict=True):
        assert np.abs(old - ops.convert_to_numpy(new)).min() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_all_misfits_are_listed_and_nothing_is_loaded(family):
    head_class, names, load, missing = FAMILIES[family]
    head = build_head(head_class)
    before, arrays = head.get_weights(), random_arrays(names(head))
    del arrays["conv_seg.bias"], arrays[missing]
    arrays["auxiliary.weight"] = np.zeros(3)
    shape = arrays["conv_seg.weight"].shape
    arrays["conv_seg.weight"] = np.zeros((4, *shape[1:]))
    with pytest.raises(
        ValueError, match=f"4 arrays do not fit this {head_class.__name__} "
    ) as error:
        load(head, arrays)
    for line in (
        "missing: conv_seg.bias",
        f"missing: {missing}",
        "unknown: auxiliary.weight",
        f"conv_seg.weight has shape {(4, *shape[1:])}, expected {shape}",
    ):
        assert line in str(error.value)
    for old, new in zip(before, head.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("family", FAMILIES)
def test_head_must_be_built(family):
    head_class, names, _, _ = FAMILIES[family]
    with pytest.raises(ValueError, match="no weights yet"):
        names(head_class(3))


@pytest.mark.parametrize("source", ["pixels", "bilinear"])
def test_there_are_no_published_weights_without_prototypes(source):
    head = build_head(CPTHead, source=source)
    with pytest.raises(ValueError, match=f"Received: source='{source}'"):
        cpt_head_names(head)
