"""The front matter of a model card, which model hubs read."""


def front_matter(name, licence, dataset, results, split):
    """YAML between two lines of `---`.

    Args:
        name: String, the name of the preset's folder, such as `"ecenet_camvid"`.
        licence: String, an identifier such as `"cc-by-nc-4.0"`.
        dataset: Pair of the identifier and the title of the data set.
        results: Dictionary with `mean_iou`, and `pixel_accuracy` if it was taken, in
            0..1; or `None`.
        split: String, the split of the results.
    """
    method, data = name.split("_", 1)
    lines = [
        f"license: {licence}",
        "library_name: keras-hub",
        "pipeline_tag: image-segmentation",
        "tags:",
        *(f"- {tag}" for tag in ("keras_seg", "semantic-segmentation", method, data)),
    ]
    if results:
        values = [("mean_iou", "mean IoU", results.get("mean_iou"))]
        values += [("accuracy", "pixel accuracy", results.get("pixel_accuracy"))]
        lines += [
            "model-index:",
            f"- name: {name}",
            "  results:",
            "  - task:",
            "      type: image-segmentation",
            "    dataset:",
            f"      type: {dataset[0]}",
            f"      name: {dataset[1]}",
            f"      split: {split}",
            "    metrics:",
        ]
        for kind, title, value in values:
            if value is not None:
                lines += [f"    - type: {kind}", f"      name: {title}"]
                lines += [f"      value: {100 * value:.1f}"]
    return "\n".join(["---", *lines, "---"])
