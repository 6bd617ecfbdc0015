"""ESPNetv2 in float64 NumPy, for one image, from weights by their published names."""

import numpy as np

DOWN = (1, 2, 3, 4)
UNITS = {3: (1, 2, 3, 4), 4: (1, 1, 2, 3)}


def levels(image, weights, blocks):
    """The list of P1 ... P4 `(H, W, C)` of an image `(H, W, 3)`."""
    x = convolution(image, weights["level1.conv.weight"], 2)
    x = norm_and_prelu(x, weights, "level1")
    found, view = [x], pooled(image)
    for level in (2, 3, 4):
        view = pooled(view)
        x = down(x, view, weights, f"level{level}_0")
        for i in range(blocks[level - 3] if level > 2 else 0):
            prefix = f"level{level}.{i}"
            x = prelu(x + unit(x, weights, prefix, UNITS[level]), weights, prefix)
        found.append(x)
    return found


def down(x, view, weights, prefix):
    new = unit(x, weights, f"{prefix}.eesp", DOWN, stride=2)
    x = np.concatenate([pooled(x), new], -1)
    first, second = f"{prefix}.inp_reinf.0", f"{prefix}.inp_reinf.1"
    view = convolution(view, weights[f"{first}.conv.weight"])
    view = norm_and_prelu(view, weights, first)
    view = convolution(view, weights[f"{second}.conv.weight"])
    return prelu(x + norm(view, weights, f"{second}.bn"), weights, prefix, "act")


def unit(x, weights, prefix, dilations, stride=1):
    first, last = f"{prefix}.proj_1x1", f"{prefix}.conv_1x1_exp"
    x = grouped(x, weights[f"{first}.conv.weight"])
    x = norm_and_prelu(x, weights, first)
    maps, total = [], 0.0
    for i, dilation in enumerate(dilations):
        kernel = weights[f"{prefix}.spp_dw.{i}.conv.weight"]
        total = total + depthwise(x, kernel, stride, dilation)
        maps.append(total)
    x = norm_and_prelu(np.concatenate(maps, -1), weights, f"{prefix}.br_after_cat")
    return norm(grouped(x, weights[f"{last}.conv.weight"]), weights, f"{last}.bn")


def convolution(x, kernel, stride=1):
    return sum(
        part @ kernel[:, :, i, j].T for part, i, j in windows(x, kernel, stride, 1)
    )


def depthwise(x, kernel, stride, dilation):
    return sum(
        part * kernel[:, 0, i, j] for part, i, j in windows(x, kernel, stride, dilation)
    )


def windows(x, kernel, stride, dilation):
    """The part of the padded map under each element of a kernel."""
    side = kernel.shape[-1]
    pad = dilation * (side // 2)
    padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    for i in range(side):
        for j in range(side):
            top, left = i * dilation, j * dilation
            part = padded[top : top + x.shape[0], left : left + x.shape[1]]
            yield part[::stride, ::stride], i, j


def pooled(x):
    return convolution(
        x, np.eye(x.shape[-1])[..., None, None] * np.full((3, 3), 1 / 9), 2
    )


def grouped(x, kernel, groups=4):
    parts = zip(
        np.split(x, groups, -1), np.split(kernel[..., 0, 0], groups), strict=True
    )
    return np.concatenate([part @ matrix.T for part, matrix in parts], -1)


def norm_and_prelu(x, weights, prefix):
    return prelu(norm(x, weights, f"{prefix}.bn"), weights, prefix, "act")


def norm(x, weights, prefix):
    mean, variance, gamma, beta = (
        weights[f"{prefix}.{name}"]
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def prelu(x, weights, prefix, name="module_act"):
    slope = weights[f"{prefix}.{name}.weight"]
    return np.maximum(x, 0) + slope * np.minimum(x, 0)
