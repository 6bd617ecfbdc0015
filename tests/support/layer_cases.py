"""One entry for each public layer: how it is made and the shapes that it takes."""

import dataclasses
import math

from keras_seg import backbones, layers


@dataclasses.dataclass
class Case:
    make: object  # called with the arguments of keras.layers.Layer
    shapes: object  # (B, H, W) -> the shapes of the inputs, one for each argument
    untrained: tuple = ()  # names of weights without gradient, with the reason below


def half(n):
    return None if n is None else math.ceil(n / 2)


def two_levels(b, h, w):
    return [[(b, h, w, 6), (b, half(h), half(w), 9)]]


# In training, batch normalisation subtracts the mean, and with it a bias before it.
BIAS_BEFORE_BATCH_NORM = ("diverse/bias",)

# Softmax is invariant to a bias that is added to all scores of a query. A bias that is
# added to all tokens is equal at all positions, and batch normalisation subtracts it.
BIAS_WITHOUT_EFFECT = (
    "key/bias",
    "encoder_0/feedforward_output_dense/bias",
)

CASES = {
    "CPTHead": Case(
        lambda **kwargs: layers.CPTHead(3, 8, num_heads=2, pool_dim=4, **kwargs),
        two_levels,
    ),
    "CategoryPrototypes": Case(
        lambda **kwargs: layers.CategoryPrototypes(5, groups=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
    "AtrousSpatialPyramidPooling": Case(
        lambda **kwargs: layers.AtrousSpatialPyramidPooling(6, [2, 3], **kwargs),
        lambda b, h, w: [(b, h, w, 5)],
    ),
    "ClassExtraction": Case(
        lambda **kwargs: layers.ClassExtraction(6, **kwargs),
        lambda b, h, w: [(b, h, w, 5)],
    ),
    "ECENetHead": Case(
        lambda **kwargs: layers.ECENetHead(3, 8, num_heads=2, **kwargs),
        two_levels,
        BIAS_BEFORE_BATCH_NORM,
    ),
    "ECENetHead, separable": Case(
        lambda **kwargs: layers.ECENetHead(
            3, 8, num_heads=2, fusion="separable", **kwargs
        ),
        two_levels,
        BIAS_BEFORE_BATCH_NORM,
    ),
    "ECENetHead, coarse": Case(
        lambda **kwargs: layers.ECENetHead(
            3, 8, num_heads=2, fusion="coarse", mlp_ratio=2, **kwargs
        ),
        two_levels,
        BIAS_BEFORE_BATCH_NORM,
    ),
    "ResizeToMultiple": Case(
        lambda **kwargs: layers.ResizeToMultiple(1.5, multiple=4, **kwargs),
        lambda b, h, w: [(b, h, w, 3)],
    ),
    "FeatureReconstruction": Case(
        layers.FeatureReconstruction,
        lambda b, h, w: [(b, h, w, 9)],
        BIAS_BEFORE_BATCH_NORM,
    ),
    "GatedClassUpdater": Case(
        lambda **kwargs: layers.GatedClassUpdater(8, **kwargs),
        lambda b, h, w: [(b, 5, 8), (b, 5, 8)],
    ),
    "GhostUpsampling": Case(
        lambda **kwargs: layers.GhostUpsampling(4, **kwargs),
        lambda b, h, w: [(b, h, w, 5)],
    ),
    "ChannelShuffle": Case(
        lambda **kwargs: layers.ChannelShuffle(2, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
    "GroupedConv2D": Case(
        lambda **kwargs: layers.GroupedConv2D(6, groups=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
    "GroupedDense": Case(
        lambda **kwargs: layers.GroupedDense(6, groups=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
    "ImagePool": Case(
        lambda **kwargs: layers.ImagePool(4, **kwargs), lambda b, h, w: [(b, h, w, 5)]
    ),
    "PatchEmbedding": Case(
        lambda **kwargs: backbones.PatchEmbedding(5, patch_size=3, **kwargs),
        lambda b, h, w: [(b, h, w, 3)],
    ),
    "PatchMerging": Case(
        lambda **kwargs: backbones.PatchMerging(6, **kwargs),
        lambda b, h, w: [(b, h, w, 4)],
    ),
    "PrototypeMemory": Case(layers.PrototypeMemory, lambda b, h, w: [(b, 5, 8)]),
    "QueryUpdate": Case(
        lambda **kwargs: layers.QueryUpdate(5, 8, num_heads=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8), (b, half(h), half(w), 8)],
    ),
    "LatentRegionReasoner": Case(
        lambda **kwargs: layers.LatentRegionReasoner(
            8, num_regions=5, output_dim=7, depth=1, num_heads=2, **kwargs
        ),
        lambda b, h, w: [(b, h, w, 6)],
        BIAS_WITHOUT_EFFECT,
    ),
    "ResizeToMatch": Case(
        layers.ResizeToMatch, lambda b, h, w: [(b, 3, 4, 5), (b, h, w, 3)]
    ),
    "ResizeToMatch, corners": Case(
        lambda **kwargs: layers.ResizeToMatch(align_corners=True, **kwargs),
        lambda b, h, w: [(b, 3, 4, 5), (b, h, w, 3)],
    ),
    "ScaledDepthwiseConv2D": Case(
        lambda **kwargs: layers.ScaledDepthwiseConv2D(1.5, **kwargs),
        lambda b, h, w: [(b, h, w, 3)],
    ),
    "ScaledDepthwiseConv2D, smaller": Case(
        lambda **kwargs: layers.ScaledDepthwiseConv2D(0.5, min_size=2, **kwargs),
        lambda b, h, w: [(b, h, w, 3)],
    ),
    "SGRHead": Case(
        lambda **kwargs: layers.SGRHead(
            3, 8, {"num_regions": 5, "depth": 1}, [2], 0.0, **kwargs
        ),
        lambda b, h, w: [[(b, h, w, 6)]],
        BIAS_WITHOUT_EFFECT,
    ),
    "SemanticsAttention": Case(
        lambda **kwargs: layers.SemanticsAttention(8, num_heads=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8), (b, 5, 8)],
    ),
    "ScatterClasses": Case(
        lambda **kwargs: layers.ScatterClasses([4, 1], num_classes=5, **kwargs),
        lambda b, h, w: [(b, h, w, 2)],
    ),
    "SwinBlock": Case(
        lambda **kwargs: backbones.SwinBlock(2, 3, shift=1, mlp_ratio=2, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
    "WindowAttention": Case(
        lambda **kwargs: backbones.WindowAttention(2, 3, shift=1, **kwargs),
        lambda b, h, w: [(b, h, w, 8)],
    ),
}
