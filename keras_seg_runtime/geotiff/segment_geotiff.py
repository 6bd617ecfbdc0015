"""Segmentation of a GeoTIFF of any size, with its georeference."""

import os
import warnings

import numpy as np

from keras_seg_runtime.exported.exported_model import ExportedModel
from keras_seg_runtime.geotiff.raster_image import open_raster
from keras_seg_runtime.labels.argmax_labels import argmax_labels
from keras_seg_runtime.labels.longest_side import longest_side_size
from keras_seg_runtime.labels.segment import check_options, empty_labels, write_labels
from keras_seg_runtime.labels.sliding_window import window_blocks
from keras_seg_runtime.labels.window_axis import WindowAxis
from keras_seg_runtime.labels.window_logits import WindowLogits
from keras_seg_runtime.labels.window_size import OVERLAP, default_window
from keras_seg_runtime.optional import import_optional
from keras_seg_runtime.unfinished_file import unfinished_file

ROWS = 512  # of an image that was downscaled, written at a time
CACHE = 64  # of GDAL, in MB


def segment_geotiff(
    model, path, output, threshold=None, long_side=None, overlap=OVERLAP
) -> tuple:
    """Writes the label map of a GeoTIFF as a GeoTIFF, part by part.

    The label map has the coordinate system, the transform or the control points of the
    image, the void label as its value for no data, the colours of the classes, and
    their names as tags `CLASS_0`, `CLASS_1` and so on. Pixels where the image has no
    data become void. The image is read in tiles and the labels are written in bands,
    so that neither is in memory as a whole.

    Args:
        model: See `keras_seg_runtime.segment`; also `class_names` and `palette`, which
            may be `None`.
        path: Path of the image: bands of 8 bits.
        output: Path of the label map, which is replaced if it exists.
        threshold: See `keras_seg_runtime.segment`.
        long_side: Integer or `None`. Downscales a larger image to this longest side
            for the model, which takes memory for the whole label map. By default the
            image has its own size, as its scale is that of the ground.
        overlap: See `keras_seg_runtime.segment`.

    Returns:
        `(size, counts)`: `(height, width)`, and a dictionary from class ids to numbers
        of pixels.

    Raises:
        ValueError: If the image cannot be read, or an option is out of range.
        OSError: If the label map cannot be written.
        ModuleNotFoundError: If rasterio is missing.

    Example:

    ```python
    import keras_seg_runtime

    def map_fields(model):
        return keras_seg_runtime.segment_geotiff(model, "field.tif", "labels.tif")
    ```
    """
    if isinstance(model, ExportedModel) and model.output == "labels":
        raise ValueError(
            "This file returns labels, and tiles require logits. Export it without "
            "labels."
        )
    check_options(model, overlap, threshold, None, long_side or 0)
    counts = {}
    rasterio = import_optional("rasterio", "GeoTIFF needs", "'keras-seg[geo]'")
    with (
        rasterio.Env(GDAL_CACHEMAX=CACHE),
        open_raster(path) as image,
        unfinished_file(output) as draft,
    ):
        try:
            with _open_output(rasterio, image, model, draft) as labels_file:
                for top, labels in _bands(model, image, threshold, long_side, overlap):
                    _write_band(labels_file, image, model, top, labels, counts)
        except rasterio.errors.RasterioIOError as error:
            raise OSError(
                f"'{output}' could not be made of '{path}': {error}. The image may be "
                "incomplete, or the disk full."
            ) from error
        _require_complete(rasterio, draft, output)
    return image.shape[:2], counts


def _bands(model, image, threshold, long_side, overlap):
    """Yields `(top, labels)` from top to bottom."""
    height, width = image.shape[:2]
    size = longest_side_size(height, width, long_side)
    window = default_window(model, *size, overlap)
    rows, columns = (
        WindowAxis.blended(side, length, overlap)
        for side, length in zip(size, window, strict=True)
    )
    if size != (height, width):
        labels = empty_labels(model, height, width)
        write_labels(model, image.resized(*size), rows, columns, labels, threshold)
        for top in range(0, height, ROWS):
            yield top, labels[top : top + ROWS]
        return
    void = {"threshold": threshold, "ignore_class": model.ignore_class}
    bands = iter(rows.windows)
    band = next(bands)
    labels = empty_labels(model, band.settled - band.first, width)
    for top, left, block in window_blocks(model, image, rows, columns):
        if top >= band.settled:
            yield band.first, labels
            band = next(bands)
            labels = empty_labels(model, band.settled - band.first, width)
        first = top - band.first
        part = labels[first : first + block.shape[0], left : left + block.shape[1]]
        if isinstance(block, WindowLogits):
            block.write_labels(part, **void)
        else:
            part[:] = argmax_labels(block, **void)
        del block
    yield band.first, labels


def _write_band(labels_file, image, model, top, labels, counts):
    rows = slice(top, top + len(labels))
    if model.ignore_class is not None:
        missing = image.is_missing((rows, slice(None)))
        if missing is not None:
            labels = np.where(missing, labels.dtype.type(model.ignore_class), labels)
    window = (top, top + len(labels)), (0, labels.shape[1])
    labels_file.write(labels, 1, window=window)
    for class_id, count in zip(*np.unique(labels, return_counts=True), strict=True):
        counts[int(class_id)] = counts.get(int(class_id), 0) + int(count)


def _open_output(rasterio, image, model, draft):
    source = image.source
    points, points_crs = source.gcps
    georeference = {"crs": source.crs, "transform": source.transform}
    if points:
        georeference = {"crs": points_crs}
    elif source.crs is None and source.transform.is_identity:
        warnings.warn(
            f"'{os.path.basename(source.name)}' has no georeference, so its label map "
            "has none.",
            stacklevel=4,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        labels_file = rasterio.open(
            draft,
            "w",
            driver="GTiff",
            height=source.height,
            width=source.width,
            count=1,
            dtype=empty_labels(model, 0, 0).dtype.name,
            nodata=model.ignore_class,
            compress="deflate",
            bigtiff="if_safer",
            **georeference,
        )
    if points:
        labels_file.gcps = points, points_crs
    if labels_file.dtypes[0] == "uint8" and model.palette is not None:
        table = {i: (*map(int, colour), 255) for i, colour in enumerate(model.palette)}
        if model.ignore_class is not None:
            table[model.ignore_class] = (0, 0, 0, 0)
        labels_file.write_colormap(1, table)
    labels_file.set_band_description(1, "class")
    names = model.class_names or []
    labels_file.update_tags(**{f"CLASS_{i}": str(n) for i, n in enumerate(names)})
    area = source.tags().get("AREA_OR_POINT")
    if area:
        labels_file.update_tags(AREA_OR_POINT=area)
    return labels_file


def _require_complete(rasterio, draft, output):
    """Reads the last row, as GDAL may report a full disk only when it closes a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(draft) as written:
                height, width = written.shape
                written.read(1, window=((height - 1, height), (0, width)))
    except rasterio.errors.RasterioIOError as error:
        raise OSError(
            f"'{output}' could not be written completely: {error}. Is the disk full?"
        ) from error
