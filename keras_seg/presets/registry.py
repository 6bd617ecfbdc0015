"""The presets that ship with the package, and what their files must hash to.

One dictionary per model class, from the name of a preset to its facts. An entry is
made by `examples/export_preset.py`, which prints it:

    "name": {
        "description": one line for lists,
        "folder": folder of the files inside `weights/`,
        "params": number of parameters,
        "dataset": the data it was trained on,
        "classes": list of class names,
        "licence": of the weights,
        "files": {file name: SHA-256 of the file},
    }

The hashes stand here, in code, so that no other file can vouch for itself.
"""

PRESETS = {
    "CPT": {},
    "SGR": {},
    "ECENet": {
        "camvid": {
            "description": "ECENet on CamVid, 11 classes, MobileNetV2, test mIoU 68.2.",
            "folder": "ecenet_camvid",
            "params": 3247814,
            "dataset": "CamVid",
            "classes": [
                "Sky",
                "Building",
                "Pole",
                "Road",
                "Pavement",
                "Tree",
                "SignSymbol",
                "Fence",
                "Car",
                "Pedestrian",
                "Bicyclist",
            ],
            "licence": "CC BY-NC 4.0, non-commercial, after the training data",
            "files": {
                "config.json": "d4bfa3a2d46173b4cfd322585a7debaaad3341042ad054f7b56c3721a0bfd01c",
                "metadata.json": "13aa1a48e9c45a87ba2e3c96913fd5e6abee077d5d40f49c4a3362b4860b60f8",
                "model.weights.h5": "85b5137e6f061f3666ef4e380cc655154dac11a7b7915cbb7c9f36529925b042",
                "preprocessor.json": "00719f1b56d518e746d2746d0203091cd6537f6d019f39058dd4c9010ce3aa3e",
                "task.json": "c76875e1ff9c4bbd053a6b674b53c1c8db2a84d6bac427e7c83d1bc1b8f027ae",
                "task.weights.h5": "d9b2c4bf26dc3b48bcab330d1f2ea4e90de1dfc335b053000301ee93a50dd124",
            },
        }
    },
}
