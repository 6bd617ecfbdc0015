"""Options of the commands that draw over images, and the types of their values."""

import argparse


def add_images(parser):
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image file, folder or glob pattern; in predict also a video, camera:0, "
        "or - for an image from stdin",
    )


def add_drawing(parser):
    parser.add_argument(
        "--long-side",
        type=size,
        metavar="N",
        help="downscale larger images to N pixels for the model; 0 keeps their own "
        "size (default: that of the preset)",
    )
    parser.add_argument(
        "--alpha",
        type=share,
        default=0.55,
        metavar="X",
        help="opacity of the colours, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--no-legend",
        dest="legend",
        action="store_false",
        help="draw no legend, so that the overlay has the size of the image",
    )
    parser.add_argument(
        "--format",
        choices=["png", "jpg"],
        default="png",
        help="format of the overlay; label maps are always PNG (default: %(default)s)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace existing output files"
    )


def share(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def size(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, not {text}")
    return int(text)


def count(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text}")
    return int(text)


def distance(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(
            f"must be a number of pixels from 0 to 1000, not {text}"
        )
    return value
