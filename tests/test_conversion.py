"""Published arrays go into a head completely or not at all."""

import numpy as np
import pytest
from random_weights import set_random_weights

from keras_seg.conversion import ecenet_head_names, load_ecenet_head
from keras_seg.layers import ECENetHead


def build_head(**kwargs):
    head = ECENetHead(3, hidden_dim=8, num_heads=2, **kwargs)
    head.build([(None, 8, 8, 4), (None, 4, 4, 8)])
    return head


@pytest.fixture(scope="module")
def head():
    return build_head()


def random_arrays(head):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=s) for name, s in ecenet_head_names(head).items()}


@pytest.mark.parametrize("gated", [True, False])
def test_every_weight_has_a_name_and_is_loaded(gated):
    head = build_head(gated=gated)
    set_random_weights(head, seed=1)
    before = head.get_weights()
    arrays = random_arrays(head)
    assert len(arrays) == len(before)
    load_ecenet_head(head, arrays)
    for old, new in zip(before, head.get_weights(), strict=True):
        assert np.abs(old - new).min() > 0


def test_all_misfits_are_listed_and_nothing_is_loaded(head):
    before, arrays = head.get_weights(), random_arrays(head)
    del arrays["conv_seg.bias"], arrays["norms.1.weight"]
    arrays["auxiliary.weight"] = np.zeros(3)
    arrays["conv_seg.weight"] = np.zeros((4, 8, 1, 1))
    with pytest.raises(ValueError, match="4 arrays do not fit") as error:
        load_ecenet_head(head, arrays)
    for line in (
        "missing: conv_seg.bias",
        "missing: norms.1.weight",
        "unknown: auxiliary.weight",
        "conv_seg.weight has shape (4, 8, 1, 1), expected (3, 8, 1, 1)",
    ):
        assert line in str(error.value)
    for old, new in zip(before, head.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_head_must_be_built():
    with pytest.raises(ValueError, match="no weights yet"):
        ecenet_head_names(ECENetHead(3))
