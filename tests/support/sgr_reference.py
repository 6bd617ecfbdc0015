"""The formulas of SGR in float64 NumPy, written for clearness alone.

Channels last, weights by name, as in `numpy_reference.py`.
"""

import itertools
import math

import numpy as np
from numpy_reference import batch_norm, conv1x1, dense, gelu, layer_norm, relu, softmax


def part(w, name):
    """The weights inside a layer, without its name in front."""
    return {k.removeprefix(f"{name}/"): v for k, v in w.items() if k.startswith(name)}


# --- layers -----------------------------------------------------------------------


def position(height, width, dim):
    result = np.zeros((height, width, dim))
    for row in range(height):
        for column in range(width):
            y, x = (row + 0.5) / height, (column + 0.5) / width
            for i in range(min(dim // 4, 8)):
                angle = math.pi * 2**i
                result[row, column, 4 * i : 4 * i + 4] = (
                    math.sin(angle * y),
                    math.cos(angle * y),
                    math.sin(angle * x),
                    math.cos(angle * x),
                )
    return result


def encoder(x, w):
    """Pre-norm attention and MLP over tokens `(K, D)`."""
    h = layer_norm(x, w, "self_attention_layer_norm")
    q, k, v = (
        np.einsum("kd,dhe->hke", h, w[f"self_attention_layer/{name}/kernel"])
        + w[f"self_attention_layer/{name}/bias"][:, None]
        for name in ("query", "key", "value")
    )
    scores = softmax(np.einsum("hqe,hke->hqk", q, k) / math.sqrt(q.shape[-1]), axis=-1)
    mixed = np.einsum("hqk,hke->qhe", scores, v)
    kernel = w["self_attention_layer/attention_output/kernel"]  # (heads, depth, D)
    mixed = np.einsum("qhe,hed->qd", mixed, kernel)
    x = x + mixed + w["self_attention_layer/attention_output/bias"]
    h = layer_norm(x, w, "feedforward_layer_norm")
    h = gelu(dense(h, w, "feedforward_intermediate_dense"))
    return x + dense(h, w, "feedforward_output_dense")


def reasoner(x, w, depth, temperature=1.0):
    """Returns the fused features, regions and tokens."""
    batch, height, width, _ = x.shape
    projected = conv1x1(x, w, "projection")
    scores = conv1x1(projected, w, "region_classifier")
    regions = softmax(scores / temperature, axis=-1)
    num_regions, dim = regions.shape[-1], projected.shape[-1]
    located = projected + position(height, width, dim)
    tokens = np.zeros((batch, num_regions, dim))
    spread = np.zeros(projected.shape)
    for b in range(batch):
        for k in range(num_regions):
            p = regions[b, :, :, k, None]
            tokens[b, k] = (p * located[b]).sum(axis=(0, 1)) / (p.sum() + 1e-6)
        related = tokens[b]
        for i in range(depth):
            related = encoder(related, part(w, f"encoder_{i}"))
        spread[b] = regions[b] @ related
    fused = conv1x1(np.concatenate([x, spread], axis=-1), w, "fusion")
    return relu(batch_norm(fused, w, "fusion_norm")), regions, tokens


def dilated3x3(x, kernel, rate):
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (rate, rate), (rate, rate), (0, 0)))
    return sum(
        padded[:, i * rate : i * rate + height, j * rate : j * rate + width]
        @ kernel[i, j]
        for i in range(3)
        for j in range(3)
    )


def pyramid_pooling(x, w, rates):
    branches = [relu(batch_norm(conv1x1(x, w, "branch_0"), w, "branch_norm_0"))]
    for i, rate in enumerate(rates, start=1):
        y = dilated3x3(x, w[f"branch_{i}/kernel"], rate)
        branches.append(relu(batch_norm(y, w, f"branch_norm_{i}")))
    mean = x.mean(axis=(1, 2), keepdims=True)
    pooled = conv1x1(mean, w, "image_pool/projection")
    pooled = relu(batch_norm(pooled, w, "image_pool/norm"))
    branches.append(np.broadcast_to(pooled, branches[0].shape))
    joined = conv1x1(np.concatenate(branches, axis=-1), w, "projection")
    return relu(batch_norm(joined, w, "projection_norm"))


def sgr_head(x, w, rates, depth):
    x = pyramid_pooling(x, part(w, "pooling"), rates)
    if depth is not None:
        x, _, _ = reasoner(x, part(w, "reasoner"), depth)
    x = dilated3x3(x, w["refinement/kernel"], 1)
    return conv1x1(relu(batch_norm(x, w, "refinement_norm")), w, "classifier")


# --- losses -----------------------------------------------------------------------


def assign(overlap, areas, firsts):
    """The component of each region, or `None`. `overlap` is `(K, M)`."""
    num_regions, num_components = overlap.shape
    present = [g for g in range(num_components) if areas[g]]
    owner = [None] * num_regions
    for g in sorted(present, key=lambda g: (-areas[g], firsts[g])):
        free = [k for k in range(num_regions) if owner[k] is None]
        if free:
            owner[max(free, key=lambda k: overlap[k, g])] = g
    for k in range(num_regions):
        if owner[k] is None and present:
            owner[k] = max(present, key=lambda g: overlap[k, g])
    return owner


def region_loss(components, regions, smoothing=1.0):
    """Components `(B, h, w)` at the resolution of the regions `(B, h, w, K)`."""
    losses = []
    for numbers, maps in zip(components, regions, strict=True):
        valid = numbers > 0
        numbers, maps = numbers[valid], maps[valid]  # (P,), (P, K)
        ids = [int(g) for g in np.unique(numbers)]
        masks = [numbers == g for g in ids]
        overlap = np.array(
            [[maps[mask, k].sum() for mask in masks] for k in range(maps.shape[1])]
        )
        if not ids:
            continue
        areas = [mask.sum() for mask in masks]
        owner = assign(overlap, areas, [mask.argmax() for mask in masks])
        for g, mask in enumerate(masks):
            own = [k for k, o in enumerate(owner) if o == g]
            if not own:
                continue
            union = maps[:, own].sum(axis=1)
            dice = 2 * (union * mask).sum() + smoothing
            dice = 1 - dice / (union.sum() + mask.sum() + smoothing)
            union = np.clip(union, 1e-6, 1 - 1e-6)
            losses.append(dice - np.log(np.where(mask, union, 1 - union)).mean())
    return np.mean(losses) if losses else 0.0


def disjointness_loss(regions):
    positions = regions.reshape(-1, regions.shape[-1])
    entropy = [-sum(p * math.log(p) for p in row if p > 0) for row in positions]
    return np.mean(entropy) / math.log(regions.shape[-1])


def token_loss(tokens):
    squares = []
    for image in tokens:
        for a, b in itertools.permutations(image, 2):
            squares.append((a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2)
    return np.mean(squares)


# --- metrics ----------------------------------------------------------------------


def semantics_and_diversity(labels, regions, void):
    """Of one image: label ids and region ids `(H, W)`."""
    valid = labels != void
    labels, regions = labels[valid], regions[valid]
    number = len(np.unique(labels))
    purities, dominant = [], set()
    for k in np.unique(regions):
        ids, counts = np.unique(labels[regions == k], return_counts=True)
        share = counts / counts.sum()
        entropy = -(share * np.log(share)).sum()
        purities.append(1 - entropy / math.log(number) if number > 1 else 1.0)
        dominant.add(int(ids[counts.argmax()]))
    return np.mean(purities), len(dominant) / number
