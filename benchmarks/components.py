"""Time of labelling connected components, for one image, in four libraries.

    pip install scipy scikit-image connected-components-3d
    python benchmarks/components.py --data-dir CAMVID

All label 8-connected components of each class of a label map and give the area of
each. OpenCV and scipy do so class by class, the others all classes at once.
"""

import argparse
import os
import platform
import statistics
import time

import cc3d
import cv2
import numpy as np
import scipy.ndimage
import skimage.measure

from keras_seg import data

EIGHT = np.ones((3, 3))


def opencv(labels, void):
    areas = []
    for class_id in np.unique(labels[labels != void]):
        mask = (labels == class_id).astype("uint8")
        parts = cv2.connectedComponents(mask, connectivity=8)[1]
        areas.extend(np.bincount(parts.ravel())[1:])
    return areas


def opencv_with_stats(labels, void):
    areas = []
    for class_id in np.unique(labels[labels != void]):
        mask = (labels == class_id).astype("uint8")
        stats = cv2.connectedComponentsWithStats(mask, connectivity=8)[2]
        areas.extend(stats[1:, cv2.CC_STAT_AREA])
    return areas


def scipy_label(labels, void):
    areas = []
    for class_id in np.unique(labels[labels != void]):
        parts, _ = scipy.ndimage.label(labels == class_id, EIGHT)
        areas.extend(np.bincount(parts.ravel())[1:])
    return areas


def scikit_image(labels, void):
    parts = skimage.measure.label(labels, background=void, connectivity=2)
    return np.bincount(parts.ravel())[1:]


def components_3d(labels, void):
    labels = np.where(labels == void, 0, labels + 1)  # 0 makes no components
    parts = cc3d.connected_components(labels, connectivity=8)
    return np.bincount(parts.ravel())[1:]


def numbered(labels, void):
    return data.connected_components(labels, void)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data-dir", required=True, help="CamVid")
    parser.add_argument("--images", type=int, default=20)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    source = data.CamVid(args.data_dir, "val")
    maps = [source[i][1] for i in range(min(args.images, len(source)))]
    void = source.ignore_class
    for labels in maps:
        expected = sorted(opencv(labels, void))
        for function in (opencv_with_stats, scipy_label, scikit_image, components_3d):
            if sorted(function(labels, void)) != expected:
                raise SystemExit(f"{function.__name__} finds other components")
    print(
        f"{len(maps)} label maps of {maps[0].shape}, one thread, {platform.machine()}"
    )
    print(f"components an image: {np.mean([len(opencv(x, void)) for x in maps]):.0f}")
    print(f"load average: {os.getloadavg()[0]:.1f}")
    print("\n| | median ms | least ms |\n|---|---|---|")
    for name, function in {
        "OpenCV, by class": opencv,
        "OpenCV with its statistics, by class": opencv_with_stats,
        "scipy, by class": scipy_label,
        "scikit-image, at once": scikit_image,
        "connected-components-3d, at once": components_3d,
        "keras_seg.data.connected_components": numbered,
    }.items():
        times = []
        for labels in maps:
            start = time.perf_counter()
            function(labels, void)
            times.append(1000 * (time.perf_counter() - start))
        print(f"| {name} | {statistics.median(times):.1f} | {min(times):.1f} |")


if __name__ == "__main__":
    main()
