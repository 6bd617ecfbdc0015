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
    "ECENet": {},
}
