"""Losses for label maps with void, and for class masks."""

from keras_seg.losses.diversity_loss import diversity_loss
from keras_seg.losses.mask_losses import dice_mask_loss, focal_mask_loss
from keras_seg.losses.region_disjointness_loss import region_disjointness_loss
from keras_seg.losses.region_loss import region_loss
from keras_seg.losses.segmentation_loss import SegmentationLoss
from keras_seg.losses.token_diversity_loss import token_diversity_loss

__all__ = [
    "SegmentationLoss",
    "dice_mask_loss",
    "diversity_loss",
    "focal_mask_loss",
    "region_disjointness_loss",
    "region_loss",
    "token_diversity_loss",
]
