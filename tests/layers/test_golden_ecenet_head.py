"""The head computes what the published code computes."""

import numpy as np
import pytest
from golden_ecenet import NUM_OUTPUTS, QUERY_ACTIVATIONS, golden_pairs


@pytest.mark.parametrize(("name", "query_activation"), QUERY_ACTIVATIONS.items())
def test_every_published_output_is_reproduced(name, query_activation):
    pairs = golden_pairs(name, query_activation)
    assert len(pairs) == NUM_OUTPUTS
    for key, (actual, expected) in pairs.items():
        np.testing.assert_allclose(actual, expected, atol=1e-4, rtol=0, err_msg=key)


def test_the_two_query_projections_differ():
    actual, expected = golden_pairs("ecenet_head.npz", None)["logits"]
    assert np.abs(actual - expected).max() > 1e-3
