"""A GeoTIFF as an image of which parts are read when they are needed."""

import numpy as np

from keras_seg_runtime.optional import import_optional

RGB = ("red", "green", "blue")


class RasterImage:
    """The colours of an open raster, as an array `(H, W, 3)` that is read in parts.

    Bands that the file calls red, green and blue are used; else the first three, or a
    single band as grey, or its colours if it has a colour table.

    Args:
        source: Open dataset of rasterio.

    Raises:
        ValueError: If the bands are not of 8 bits, or their number is unsupported.

    Example:

    ```python
    from keras_seg_runtime.geotiff.raster_image import open_raster

    try:
        with open_raster("nowhere.tif") as image:
            part = image[:100, :200]
    except (ValueError, ModuleNotFoundError) as error:
        print(error)
    ```
    """

    def __init__(self, source):
        self.source = source
        self.shape = (source.height, source.width, 3)
        self.bands = _bands(source)
        types = {source.dtypes[band - 1] for band in self.bands}
        if types != {"uint8"}:
            raise ValueError(
                f"'{source.name}' has bands of {', '.join(sorted(types))}, expected "
                "8 bits. Scale them to 0..255 first, for example with: gdal_translate "
                "-ot Byte -scale"
            )
        self.colours = None
        if len(self.bands) == 1 and _is_palette(source, self.bands[0]):
            table = source.colormap(self.bands[0])
            self.colours = np.zeros((256, 3), "uint8")
            for value, colour in table.items():
                self.colours[value] = colour[:3]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.close()

    def __getitem__(self, part):
        """Reads a part that two slices give: uint8 array `(h, w, 3)`."""
        window = _window(part, self.shape)
        return self._colours(self.source.read(self.bands, window=window))

    def resized(self, height, width):
        """The whole image at another size, where each pixel is the mean of an area."""
        resampling = import_optional("rasterio.enums", "GeoTIFF needs", "rasterio")
        method = resampling.Resampling.average
        if self.colours is not None:
            method = resampling.Resampling.nearest
        shape = len(self.bands), height, width
        return self._colours(
            self.source.read(self.bands, out_shape=shape, resampling=method)
        )

    def is_missing(self, part):
        """Where a part has no data: boolean array `(h, w)`, or `None` if nowhere."""
        window = _window(part, self.shape)
        missing = self.source.dataset_mask(window=window) == 0
        return missing if missing.any() else None

    def _colours(self, bands):
        if self.colours is not None:
            return self.colours[bands[0]]
        if len(bands) == 1:
            bands = np.repeat(bands, 3, axis=0)
        return np.ascontiguousarray(np.moveaxis(bands, 0, -1))


def open_raster(path):
    """Opens a GeoTIFF.

    Args:
        path: Path of the file.

    Returns:
        `RasterImage`, to use in a `with` statement.

    Raises:
        ValueError: If the file cannot be read, is no GeoTIFF, or has unsupported
            bands.
        ModuleNotFoundError: If rasterio is missing.
    """
    import os
    import warnings

    rasterio = import_optional("rasterio", "GeoTIFF needs", "'keras-seg[geo]'")
    if not os.path.isfile(path):
        raise ValueError(f"No such image file: '{path}'. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            source = rasterio.open(path, driver="GTiff")
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(
            f"'{path}' cannot be read as a GeoTIFF ({error}). Convert it, for example "
            "with gdal_translate, or copy it again."
        ) from error
    try:
        return RasterImage(source)
    except ValueError:
        source.close()
        raise


def _bands(source):
    names = [interpretation.name for interpretation in source.colorinterp]
    if all(name in names for name in RGB):
        return [names.index(name) + 1 for name in RGB]
    count = sum(name != "alpha" for name in names)
    if count == 2:
        raise ValueError(
            f"'{source.name}' has two bands, expected three (red, green and blue) or "
            "one (grey)."
        )
    return [1, 2, 3] if count >= 3 else [1]


def _is_palette(source, band):
    return source.colorinterp[band - 1].name == "palette"


def _window(part, shape):
    rows, columns = (
        side.indices(length)[:2] for side, length in zip(part, shape, strict=False)
    )
    return rows, columns
