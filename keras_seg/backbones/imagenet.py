"""Mean and standard deviation of the photos of ImageNet, and scaling with them."""

# Of red, green and blue, in 0..255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class ImageNetScaling:
    """What the backbones share that take standardized images of ImageNet."""

    @property
    def image_scaling(self):
        """Scale and offset of each channel, for images in 0..255."""
        return standardization()


def standardization(mean=IMAGENET_MEAN, std=IMAGENET_STD):
    """Scale and offset that subtract a mean and divide by a standard deviation.

    Args:
        mean: Sequence of floats, one for each channel.
        std: Sequence of floats, one for each channel.

    Returns:
        `(scale, offset)`, lists of floats: the arguments of `keras.layers.Rescaling`.

    Example:

    ```python
    from keras_seg.backbones.imagenet import standardization

    print(standardization(mean=[100.0], std=[50.0]))  # ([0.02], [-2.0])
    ```
    """
    scale = [1 / deviation for deviation in std]
    return scale, [-m * s for m, s in zip(mean, scale, strict=True)]
