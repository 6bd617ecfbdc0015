"""The head computes what the published code computes."""

import numpy as np
import pytest
from golden_cpt import NUM_OUTPUTS, golden_pairs, read_golden


@pytest.mark.parametrize(("name", "num_outputs"), NUM_OUTPUTS.items())
def test_every_published_output_is_reproduced(name, num_outputs):
    pairs = golden_pairs(name)
    assert len(pairs) == num_outputs
    for key, (actual, expected) in pairs.items():
        np.testing.assert_allclose(actual, expected, atol=1e-4, rtol=0, err_msg=key)


def test_the_published_step_moves_the_memory():
    weights, _, outputs = read_golden("cpt_head.npz")
    for i in range(3):
        before = weights[f"cft_blocks.{i}.cross_attn.kv.memory"]
        after = outputs[f"memory_after_training_step/{i}"]
        assert np.abs(after - before).mean() > 1e-3
