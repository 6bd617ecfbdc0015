"""The decoder of ESPNetv2 in float64 NumPy, from weights by their published names."""

import fractions
import math

import numpy as np
import resampling_reference as resampling

SCALES = [fractions.Fraction(n, 10) for n in (20, 15, 10, 5, 1)]


def decode(levels, weights):
    """Decoded P4, P3 and P2 `(H, W, C)` of the list of P1 ... P4 of an image."""
    found = []
    x = None
    for step, features in zip((1, 2, 3), levels[:0:-1], strict=True):
        features = features[None]
        if x is None:
            x = features
        else:
            x = join(features, x, weights, step)
        x = pyramid_pool(x, weights, f"bu_dec_l{step}")
        found.append(x[0])
    return found


def join(features, coarse, weights, step):
    name = f"merge_enc_dec_l{step}"
    mean = features.mean((1, 2), keepdims=True)
    gate = 1 / (1 + np.exp(-pointwise(mean, weights, f"{name}.wt_layer.1")))
    kernel = weights[f"{name}.expansion_layer.cbr.0.weight"]
    groups = math.gcd(features.shape[-1], kernel.shape[0])
    skip = resampling.grouped_conv(features, kernel.transpose(2, 3, 1, 0), groups)
    skip = norm_and_prelu(skip, weights, f"{name}.expansion_layer.cbr", 1)
    larger = resampling.resize_aligned(coarse, *features.shape[1:3])
    return norm_and_prelu(skip * gate + larger, weights, f"bu_br_l{step}", 0)


def pyramid_pool(x, weights, name):
    x = pointwise(x, weights, f"{name}.projection_layer.cbr.0")
    x = norm_and_prelu(x, weights, f"{name}.projection_layer.cbr", 1)
    maps = []
    for i, scale in enumerate(SCALES):
        kernel = weights[f"{name}.stages.{i}.weight"].transpose(2, 3, 0, 1)
        maps.append(
            resampling.scaled_depthwise(x, kernel, scale, 5 if scale != 1 else 1)
        )
    x, merge = np.concatenate(maps, -1), f"{name}.merge_layer"
    x = norm_and_prelu(x, weights, f"{merge}.0.br", 0)
    x = resampling.channel_shuffle(x, len(SCALES))
    kernel = weights[f"{merge}.2.cbr.0.weight"].transpose(2, 3, 1, 0)
    x = resampling.grouped_conv(x, kernel, kernel.shape[-1])
    x = norm_and_prelu(x, weights, f"{merge}.2.cbr", 1)
    x = pointwise(x, weights, f"{merge}.3")
    return norm_and_prelu(x, weights, f"{name}.br.br", 0)


def pointwise(x, weights, name):
    return x @ weights[f"{name}.weight"][:, :, 0, 0].T


def norm_and_prelu(x, weights, prefix, first):
    """A normalisation and a PReLU that are numbered in the published names."""
    mean, variance, gamma, beta = (
        weights[f"{prefix}.{first}.{name}"]
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    x = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return np.maximum(x, 0) + weights[f"{prefix}.{first + 1}.weight"] * np.minimum(x, 0)
