"""How images are passed to a model for evaluation."""

import dataclasses
import numbers
from typing import Self

from keras_seg_runtime.labels.longest_side import longest_side_size

MODES = ("auto", "whole", "slide")


@dataclasses.dataclass(frozen=True)
class TestProtocol:
    """A test protocol: size, windows, scales and flip.

    Args:
        mode: String. `"whole"` processes the image as a whole. `"auto"` does the same,
            but cuts large images into overlapping tiles as `segment` does. `"slide"`
            moves a window over the image, shifts the last one of a row or column back
            to the border, and averages the logits of all windows that contain a pixel.
        window: Integer or `(height, width)`. Size of the window, for `"slide"`.
        stride: Integer or `(height, width)`. Step from one window to the next, at most
            the window. Defaults to the window: no overlap.
        resize: `(long, short)` or `None`. The image is first resized, with its aspect
            ratio, to the largest size whose long and short side do not exceed these:
            `(2048, 512)` is common for ADE20K with crops of 512. `None` keeps the
            image's own size.
        scales: List of floats. Factors that are applied to that size. With more than
            one, or with `flip`, class probabilities are averaged at the size of the
            image.
        flip: Boolean. Whether to process the mirrored image as well.
        long_side: Integer or `None`, in place of `resize`. Larger images are first
            downscaled to this longest side, as in `segment`.

    Raises:
        ValueError: If a value is out of range, or values contradict each other.

    Example:

    ```python
    from keras_seg.inference import TestProtocol

    protocol = TestProtocol(mode="slide", window=640, stride=608, flip=True)
    print(protocol.passes(480, 640))  # [(480, 640, False), (480, 640, True)]
    ```
    """

    __test__ = False  # pytest does not collect this class

    mode: str = "whole"
    window: tuple = None
    stride: tuple = None
    resize: tuple = None
    scales: tuple = (1.0,)
    flip: bool = False
    long_side: int = None

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(f"`mode` must be one of {MODES}. Received: {self.mode!r}")
        if self.mode != "slide" and (self.window or self.stride):
            raise ValueError(
                "`window` and `stride` require mode='slide'. Received: "
                f"mode={self.mode!r}, window={self.window}, stride={self.stride}"
            )
        if self.resize is not None and self.long_side is not None:
            raise ValueError(
                "`resize` and `long_side` both set the size. Pass one of them. "
                f"Received: resize={self.resize}, long_side={self.long_side}"
            )
        if self.mode == "slide":
            if self.window is None:
                raise ValueError(
                    "mode='slide' requires `window`. Received: window=None"
                )
            self._set_pair("window", self.window)
            self._set_pair("stride", self.stride or self.window)
            pairs = zip(self.stride, self.window, strict=True)
            if any(step > side for step, side in pairs):
                raise ValueError(
                    "`stride` must not exceed `window`, or pixels between the windows "
                    f"would be skipped. Received: stride={self.stride}, "
                    f"window={self.window}"
                )
        if self.resize is not None:
            self._set_pair("resize", self.resize)
            object.__setattr__(self, "resize", tuple(sorted(self.resize)[::-1]))
        scales = self.scales
        scales = (scales,) if isinstance(scales, numbers.Real) else tuple(scales)
        if not scales or not all(scale > 0 for scale in scales):
            raise ValueError(
                f"`scales` must be positive numbers, at least one. Received: {scales}"
            )
        object.__setattr__(self, "scales", tuple(map(float, scales)))
        object.__setattr__(self, "flip", bool(self.flip))

    @classmethod
    def of_model(cls, model, **changes) -> Self:
        """The protocol of the model's preset, with some values changed.

        Args:
            model: Model, optionally with a dictionary `test_protocol` of arguments.
            **changes: Arguments of the constructor; `None` leaves a value as it is.

        Returns:
            A `TestProtocol`. If the model has none, that of `segment`: `mode="auto"`
            and the model's `long_side`.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        long_side = getattr(model, "long_side", None) or None
        default = {"mode": "auto", "long_side": long_side}
        values = dict(getattr(model, "test_protocol", None) or default)
        unknown = sorted({*values, *changes} - known)
        if unknown:
            raise ValueError(
                f"A protocol has no arguments {unknown}. Expected: {sorted(known)}."
            )
        values.update({k: v for k, v in changes.items() if v is not None})
        if changes.get("mode") is None and changes.get("window") is not None:
            values["mode"] = "slide"
        if changes.get("resize") is not None and changes.get("long_side") is None:
            values.pop("long_side", None)
        if changes.get("mode") in ("auto", "whole"):
            for key in ("window", "stride"):
                if changes.get(key) is None:
                    values.pop(key, None)
        return cls(**values)

    def passes(self, height, width):
        """The sizes in which an image is processed.

        Args:
            height, width: Integers, the size of the image.

        Returns:
            List of `(height, width, mirrored)`.
        """
        height, width = longest_side_size(height, width, self.long_side)
        longer, shorter = max(height, width), min(height, width)
        limits = self.resize or (longer, shorter)
        passes = []
        for scale in self.scales:
            # Rounded as in the tools that the papers used.
            factor = min(
                int(limits[0] * scale) / longer, int(limits[1] * scale) / shorter
            )
            size = [max(1, int(side * factor + 0.5)) for side in (height, width)]
            passes += [(*size, mirrored) for mirrored in (False, True)[: 1 + self.flip]]
        return passes

    def _set_pair(self, name, value):
        pair = (value, value) if isinstance(value, numbers.Integral) else tuple(value)
        whole = all(isinstance(side, numbers.Integral) and side >= 1 for side in pair)
        if len(pair) != 2 or not whole:
            raise ValueError(
                f"`{name}` must be a positive integer or two of them. Received: "
                f"{name}={value!r}"
            )
        object.__setattr__(self, name, tuple(map(int, pair)))
