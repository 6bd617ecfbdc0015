"""The options of `keras-seg predict`."""

import argparse

from keras_seg_cli.image_options import (
    add_drawing,
    add_images,
    count,
    distance,
    share,
    size,
)

PREDICT = """\
Segments images: for each, writes NAME_overlay.png, the picture with its classes in
colour and a legend, and NAME_labels.png, whose pixel values are the class ids. With
--shares it reports how much of each image every class covers. Videos become
NAME_labels.mkv and NAME_overlay.mp4."""

PREDICT_NOTES = """\
A folder means the images directly in it, except those whose names end in _overlay,
_labels or _regions; the pattern 'DIR/**/*' includes subfolders. Hidden files are never
included. An image that cannot be read is reported in one line on stderr, the others are
still processed, and the exit status is 1. Two images of the same name get different
output names (photo, photo-2). Existing files are kept, and count as an error, unless
--overwrite is given. The backend is KERAS_BACKEND if it is set. Otherwise it is jax or
torch if one of them is installed beside tensorflow, which keras-hub always brings, or
else the fastest on a CPU: tensorflow, torch, jax.

shares:
  table  for each image its size and the classes in it, largest first
  csv    one row for each image; the columns are image, then every class of the model,
         then uncertain (void, see --threshold)
  json   a list of {"image": PATH, "width": W, "height": H, "shares": {NAME: SHARE}}
         with the classes that occur, largest first, void last as "uncertain"
Shares in csv and json are in 0..1 and sum to 1. They are written to stdout after each
image, and all other messages to stderr; an image that fails has no row. In csv an
apostrophe is put before a name that a spreadsheet could read as a formula; json keeps
all names unchanged.

polygons (--coco FILE --coco-form polygons, --labelme DIR, --cvat FILE):
  One polygon for each connected part of a class, none for void. These formats know no
  holes: a hole is connected to the outline by a cut of no width. --simplify 0 keeps
  every pixel, and --min-area leaves out small parts, which is reported.

videos and cameras:
  Name the files; those in a folder are not taken. camera:0 is the first camera, until
  Ctrl-C or --frames. Gray values of NAME_labels.mkv are the class ids; its codec, FFV1,
  is lossless. The frame rate is kept, sound is not. If a video ends early, the frames
  until then are kept, it is reported, and the exit status is 1.

examples:
  keras-seg predict photo.jpg --output segmented
  keras-seg predict holiday/ 'more/**/*.png' --output segmented --alpha 0.4
  keras-seg predict holiday/ --threshold 0.5 --shares csv > shares.csv
  keras-seg predict holiday/ --cvat annotations.xml --min-area 50
  keras-seg predict field.tif --geotiff --output segmented
  keras-seg predict clip.mp4 --every 5 --output segmented
  curl -s ADDRESS | keras-seg predict - --model m.onnx --output - > labels.png"""


def add_predict(commands):
    """Adds the command to a parser's subcommands.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
    """
    predict = commands.add_parser(
        "predict",
        help="segment images and draw the result",
        description=PREDICT,
        epilog=PREDICT_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_images(predict)
    predict.add_argument(
        "--output",
        "-o",
        metavar="DIR",
        help="folder for the pictures; optional with --shares and polygons; - writes "
        "the label map of one image to stdout",
    )
    model = predict.add_mutually_exclusive_group()
    model.add_argument(
        "--preset",
        "-p",
        default="ecenet/ade20k",
        metavar="NAME",
        help="shipped preset, or folder or .keras file of a saved model (default: "
        "%(default)s)",
    )
    model.add_argument(
        "--model",
        "-m",
        metavar="FILE",
        help="file of keras-seg export: it runs without Keras, and starts faster",
    )
    predict.add_argument(
        "--threshold",
        type=share,
        metavar="X",
        help="make pixels void whose most probable class has a probability below X, 0 "
        "to 1: not coloured, and uncertain in legend and shares",
    )
    predict.add_argument(
        "--shares",
        choices=["table", "csv", "json"],
        help="print how much of each image every class covers",
    )
    predict.add_argument(
        "--shares-file", metavar="FILE", help="write the shares to a file instead"
    )
    _add_annotations(predict)
    _add_sources(predict)
    add_drawing(predict)


def wrong_combination(options, stdout_closed=False):
    """What is wrong with the options of `keras-seg predict` together.

    Args:
        options: Namespace, as the parser of the command line makes it.
        stdout_closed: Boolean.

    Returns:
        A message of one line, or `None`.
    """
    annotations = options.coco or options.labelme or options.cvat
    if not options.output and not options.shares and not annotations:
        return (
            "nothing to do: give --output DIR for pictures, or --shares, --coco, "
            "--labelme or --cvat"
        )
    if options.shares_file and not options.shares:
        return "--shares-file needs --shares table, csv or json"
    if options.shares and not options.shares_file and stdout_closed:
        return "stdout is closed: give --shares-file FILE for the shares"
    if options.coco_form != "rle" and not options.coco:
        return "--coco-form needs --coco FILE"
    if options.geotiff and (annotations or options.output in (None, "-")):
        return (
            "--geotiff writes label maps in parts: give --output DIR, and no --coco, "
            "--labelme or --cvat"
        )
    return None


def _add_annotations(parser):
    add = parser.add_argument_group("polygons and masks for other tools").add_argument
    add(
        "--coco",
        metavar="FILE",
        help="write the labels of all images as JSON of COCO",
    )
    add(
        "--coco-form",
        choices=["rle", "polygons"],
        default="rle",
        help="form of the segmentations: run-length encoded masks, which are exact, or "
        "polygons (default: %(default)s)",
    )
    add(
        "--labelme",
        metavar="DIR",
        help="write NAME.json of Labelme for each image, usually into its own folder",
    )
    add(
        "--cvat",
        metavar="FILE",
        help="write the labels of all images as XML of CVAT (CVAT for images 1.1)",
    )
    add(
        "--min-area",
        type=size,
        default=0,
        metavar="N",
        help="leave out polygons of fewer than N pixels (default: %(default)s)",
    )
    add(
        "--simplify",
        type=distance,
        default=0.5,
        metavar="X",
        help="how far the line of a polygon may move to have fewer points, in pixels; "
        "0 keeps every pixel (default: %(default)s)",
    )


def _add_sources(parser):
    add = parser.add_argument_group("maps and videos").add_argument
    add(
        "--geotiff",
        action="store_true",
        help="read GeoTIFF of any size in parts, and write NAME_labels.tif with its "
        "georeference in place of the pictures. Without --long-side, images keep their "
        "own size. Needs rasterio: pip install 'keras-seg[geo]'",
    )
    add(
        "--every",
        type=count,
        default=1,
        metavar="N",
        help="segment every N-th frame of a video (default: %(default)s)",
    )
    add(
        "--frames",
        type=count,
        metavar="N",
        help="stop after N segmented frames of a video or camera",
    )
