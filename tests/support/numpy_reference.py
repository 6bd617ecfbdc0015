"""The published formulas in float64 NumPy, written for clearness alone.

Channels last. Weights come as a mapping from names such as `"intrinsic/kernel"` to
arrays in the layout of Keras. Nothing here knows how the package computes.
"""

import math

import numpy as np

EPSILON = 1e-5
erf = np.vectorize(math.erf, otypes=["float64"])


# --- pieces -----------------------------------------------------------------------


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return x * (1 + erf(x / math.sqrt(2))) / 2


def dense(x, w, name):
    y = x @ w[f"{name}/kernel"]
    return y + w[f"{name}/bias"] if f"{name}/bias" in w else y


def conv1x1(x, w, name):
    y = x @ w[f"{name}/kernel"][0, 0]
    return y + w[f"{name}/bias"] if f"{name}/bias" in w else y


def depthwise3x3(x, w, name):
    kernel = w[f"{name}/kernel"]  # (3, 3, C, 1)
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = sum(
        padded[:, i : i + height, j : j + width] * kernel[i, j, :, 0]
        for i in range(3)
        for j in range(3)
    )
    return y + w[f"{name}/bias"] if f"{name}/bias" in w else y


def conv3x3(x, w, name):
    kernel = w[f"{name}/kernel"]  # (3, 3, C, D)
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j]
        for i in range(3)
        for j in range(3)
    )
    return y + w[f"{name}/bias"] if f"{name}/bias" in w else y


def inside(w, name):
    """The weights inside of a layer called `name`."""
    return {
        key.removeprefix(f"{name}/"): value
        for key, value in w.items()
        if key.startswith(f"{name}/")
    }


def batch_norm(x, w, name):
    mean, variance = w[f"{name}/moving_mean"], w[f"{name}/moving_variance"]
    x = (x - mean) / np.sqrt(variance + EPSILON)
    return x * w[f"{name}/gamma"] + w[f"{name}/beta"]


def layer_norm(x, w, name, epsilon=EPSILON):
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    x = (x - mean) / np.sqrt(variance + epsilon)
    return x * w[f"{name}/gamma"] + w[f"{name}/beta"]


def adaptive_pool(x, rows, columns):
    """Cell i of n covers the positions floor(i L / n) to ceil((i + 1) L / n)."""
    batch, height, width, channels = x.shape
    cells = np.zeros((batch, rows, columns, channels))
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * height // rows, math.ceil((i + 1) * height / rows)
            left, right = j * width // columns, math.ceil((j + 1) * width / columns)
            cells[:, i, j] = x[:, top:bottom, left:right].mean(axis=(1, 2))
    return cells


def resize_bilinear(x, height, width):
    """Half-pixel centres, edges repeated, no antialiasing."""
    old_height, old_width = x.shape[1:3]
    result = np.zeros((x.shape[0], height, width, x.shape[3]))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * old_height / height - 0.5, 0), old_height - 1)
            z = min(max((j + 0.5) * old_width / width - 0.5, 0), old_width - 1)
            top, left = int(y), int(z)
            bottom, right = min(top + 1, old_height - 1), min(left + 1, old_width - 1)
            y, z = y - top, z - left
            above = x[:, top, left] * (1 - z) + x[:, top, right] * z
            below = x[:, bottom, left] * (1 - z) + x[:, bottom, right] * z
            result[:, i, j] = above * (1 - y) + below * y
    return result


def resize_nearest(labels, height, width):
    """The label that lies under the centre of each cell."""
    old_height, old_width = labels.shape[1:3]
    result = np.zeros((labels.shape[0], height, width), labels.dtype)
    for i in range(height):
        for j in range(width):
            y = math.floor((i + 0.5) * old_height / height)
            z = math.floor((j + 0.5) * old_width / width)
            result[:, i, j] = labels[:, y, z]
    return result


# --- layers -----------------------------------------------------------------------


def feature_reconstruction(x, w):
    """Returns the features and the diversity map (B, H * W)."""
    x1 = batch_norm(conv1x1(x, w, "intrinsic"), w, "intrinsic_norm")
    x2 = batch_norm(depthwise3x3(x1, w, "diverse"), w, "diverse_norm")
    scale = dense(relu(dense(x2.mean(axis=(1, 2)), w, "squeeze")), w, "excite")
    d = x2 * scale[:, None, None]
    joined = conv1x1(np.concatenate([d, x1], axis=-1), w, "join")
    share = softmax(d.reshape(d.shape[0], -1, d.shape[-1]), axis=1)
    return layer_norm(joined, w, "norm"), share.max(axis=-1)


def class_extraction(masks, w, pool_ratio=1.0):
    num_classes = masks.shape[-1]
    n = int(math.sqrt(num_classes) * pool_ratio)
    n += n % 2 == 0
    cells = [
        adaptive_pool(masks, size, size).reshape(masks.shape[0], -1, num_classes)
        for size in (1, 2, 3, 6, n)
    ]
    cells = np.concatenate(cells, axis=1)  # (B, 50 + n * n, K)
    return dense(np.swapaxes(cells, 1, 2), w, "projection")


def semantics_attention(
    features, embeddings, w, num_heads, activation, epsilon=EPSILON
):
    """Returns the attended features and the masks."""
    batch, height, width, dim = features.shape
    num_classes, depth = embeddings.shape[1], dim // num_heads
    q = activation(
        depthwise3x3(
            layer_norm(features, w, "features_norm", epsilon), w, "query_depthwise"
        )
    )
    q = activation(conv1x1(q, w, "query_pointwise")).reshape(
        batch, -1, num_heads, depth
    )
    if "class_norm/gamma" in w:
        embeddings = layer_norm(embeddings, w, "class_norm", epsilon)
    key_value = dense(embeddings, w, "key_value")
    k = key_value[..., :dim].reshape(batch, num_classes, num_heads, depth)
    v = key_value[..., dim:].reshape(batch, num_classes, num_heads, depth)
    attended = np.zeros((batch, height * width, dim))
    masks = np.zeros((batch, height * width, num_classes))
    for head in range(num_heads):
        for b in range(batch):
            scores = q[b, :, head] @ k[b, :, head].T / math.sqrt(depth)  # (HW, K)
            negated = scores.max(axis=-1, keepdims=True) - scores
            part = slice(head * depth, (head + 1) * depth)
            attended[b, :, part] = softmax(negated, axis=-1) @ v[b, :, head]
            masks[b] += scores / num_heads
    x = conv1x1(attended.reshape(features.shape), w, "projection") + features
    mlp = depthwise3x3(
        conv1x1(layer_norm(x, w, "mlp_norm", epsilon), w, "mlp_expand"),
        w,
        "mlp_depthwise",
    )
    x = x + conv1x1(gelu(mlp), w, "mlp_reduce")
    return x, masks.reshape(batch, height, width, num_classes)


def gated_class_updater(update, state, w):
    p_in, p_out = np.split(dense(update, w, "update_projection"), 2, axis=-1)
    gate = dense(dense(state, w, "state_projection") * p_in, w, "gate_projection")
    gate = sigmoid(layer_norm(gate, w, "gate_norm"))
    f = gate * layer_norm(p_out, w, "update_norm") + state
    return relu(layer_norm(dense(f, w, "output_projection"), w, "output_norm"))


def ghost_upsampling(x, w):
    p = relu(batch_norm(conv1x1(x, w, "primary"), w, "primary_norm"))
    g = relu(batch_norm(depthwise3x3(p, w, "cheap"), w, "cheap_norm"))
    x = np.concatenate([p, g], axis=-1)
    batch, height, width, channels = x.shape
    result = np.zeros((batch, 2 * height, 2 * width, channels // 4))
    for c in range(channels // 4):
        for row in range(2):
            for column in range(2):
                channel = c * 4 + row * 2 + column
                result[:, row::2, column::2, c] = x[..., channel]
    return result


def grouped_dense(x, kernel):
    """A grouped 1x1 convolution: group g of the outputs sees group g of the inputs."""
    groups, inputs, outputs = kernel.shape
    result = np.zeros((*x.shape[:-1], groups * outputs))
    for g in range(groups):
        part = x[..., g * inputs : (g + 1) * inputs]
        result[..., g * outputs : (g + 1) * outputs] = part @ kernel[g]
    return result


def category_prototypes(x, w):
    """Returns the prototypes and the masks."""
    batch, channels = x.shape[0], x.shape[-1]
    masks = conv1x1(grouped_dense(x, w["mask_projection/kernel"]), w, "mask_classifier")
    aligned = grouped_dense(x, w["alignment/kernel"]).reshape(batch, -1, channels)
    num_classes = masks.shape[-1]
    prototypes = np.zeros((batch, num_classes, channels))
    for b in range(batch):
        for c in range(num_classes):
            share = softmax(masks[b, :, :, c].reshape(-1), axis=0)
            prototypes[b, c] = sum(
                s * position for s, position in zip(share, aligned[b], strict=True)
            )
    return prototypes, masks


def prototype_memory(prototypes, memory, t):
    """Returns the blended prototypes and the memory after a training step."""
    mean = prototypes.mean(axis=0)
    mean = mean / np.linalg.norm(mean, axis=-1, keepdims=True)
    return (1 - t) * prototypes + t * memory, (1 - t) * memory + t * mean


def query_update(fine, coarse, w, source, num_heads, t=0.1):
    """Returns features, masks, prototypes and the memory after a training step."""
    x = layer_norm(coarse, w, "coarse_norm", 1e-6)
    masks = prototypes = memory = None
    tokens = x.reshape(x.shape[0], -1, x.shape[-1])
    if source != "pixels":
        prototypes, masks = category_prototypes(x, inside(w, "prototypes"))
        tokens = prototypes
    if source == "memory":
        tokens, memory = prototype_memory(prototypes, w["memory/memory"], t)
    features, _ = semantics_attention(
        fine, tokens, inside(w, "attention"), num_heads, lambda x: x, 1e-6
    )
    return features, masks, prototypes, memory


def image_pool(x, w, activation):
    x = conv1x1(x.mean(axis=(1, 2), keepdims=True), w, "projection")
    return activation(batch_norm(x, w, "norm"))


def cpt_head(pyramid, w, source, num_heads, activation, has_pool=True):
    """Returns the logits and the list of masks."""
    laterals = [conv1x1(x, w, f"lateral_{i}") for i, x in enumerate(pyramid)]
    height, width = laterals[0].shape[1:3]
    x, masks = laterals[-1], []
    joined = [x]
    for i in reversed(range(max(1, len(laterals) - 1))):
        if source == "bilinear":
            x = laterals[i] + resize_bilinear(x, *laterals[i].shape[1:3])
        else:
            update = inside(w, f"update_{i}")
            x, m, _, _ = query_update(laterals[i], x, update, source, num_heads)
            masks.append(m)
        joined.append(conv3x3(x, w, f"smoothing_{i}"))  # the coarsest is the first
    x = np.concatenate([resize_bilinear(y, height, width) for y in joined], axis=-1)
    x = activation(batch_norm(conv3x3(x, w, "fusion"), w, "fusion_norm"))
    if has_pool:
        pooled = image_pool(pyramid[-1], inside(w, "image_pool"), activation)
        pooled = np.broadcast_to(pooled, (*x.shape[:3], pooled.shape[-1]))
        x = np.concatenate([x, pooled], axis=-1)
    return conv1x1(x, w, "classifier"), masks


# --- losses and metrics -----------------------------------------------------------


def masks_of_present_classes(labels, mask_logits, ignore_class):
    """Yields (probabilities, mask) of the valid pixels, per image and class present."""
    labels = resize_nearest(labels, *mask_logits.shape[1:3])
    for label_map, logits in zip(labels, mask_logits, strict=True):
        valid = label_map != ignore_class
        for c in np.unique(label_map[valid]):
            yield sigmoid(logits[valid][:, c]), label_map[valid] == c


def focal_mask_loss(labels, mask_logits, ignore_class=255, alpha=0.25, gamma=2.0):
    losses = []
    for p, mask in masks_of_present_classes(labels, mask_logits, ignore_class):
        inside = -alpha * (1 - p) ** gamma * np.log(p)
        outside = -(1 - alpha) * p**gamma * np.log(1 - p)
        losses.append(np.where(mask, inside, outside).mean())
    return np.mean(losses) if losses else 0.0


def dice_mask_loss(labels, mask_logits, ignore_class=255, smoothing=1.0):
    losses = []
    for p, mask in masks_of_present_classes(labels, mask_logits, ignore_class):
        overlap, total = (p * mask).sum(), p.sum() + mask.sum()
        losses.append(1 - (2 * overlap + smoothing) / (total + smoothing))
    return np.mean(losses) if losses else 0.0


def diversity_loss(maps, num_channels):
    losses = [
        np.mean([1 - row.sum() / n for row in level])
        for level, n in zip(maps, num_channels, strict=True)
    ]
    return sum(losses)


def segmentation_loss(
    labels, logits, ignore_class=255, class_weights=None, jaccard=0.0, smoothing=0.0
):
    valid = labels != ignore_class
    labels, logits = labels[valid], logits[valid]  # (P,), (P, K)
    if not len(labels):
        return 0.0
    num_classes = logits.shape[-1]
    weights = np.ones(num_classes) if class_weights is None else class_weights
    probability = softmax(logits, axis=-1)
    truth = np.eye(num_classes)[labels]
    target = truth * (1 - smoothing) + smoothing / num_classes
    pixel = -(target * np.log(probability)).sum(axis=-1)
    weight = np.asarray(weights)[labels]
    loss = (pixel * weight).sum() / weight.sum()
    terms = []
    for c in np.unique(labels):
        overlap = (probability[:, c] * truth[:, c]).sum()
        union = probability[:, c].sum() + truth[:, c].sum() - overlap
        terms.append(1 - (overlap + 1) / (union + 1))
    return loss + jaccard * np.mean(terms)


def class_iou(truth, prediction, num_classes, ignore_class=255):
    """IoU per class over sets of pixels; NaN where a class occurs in neither."""
    valid = truth != ignore_class
    truth, prediction = truth[valid], prediction[valid]
    result = []
    for c in range(num_classes):
        union = np.sum((truth == c) | (prediction == c))
        hits = np.sum((truth == c) & (prediction == c))
        result.append(hits / union if union else np.nan)
    return np.array(result)
