"""From a photo to its labels, from start to result: exported files beside Keras.

    keras-seg export -p ecenet/camvid -o exported --format onnx litert openvino
    python benchmarks/runtimes.py exported/ecenet_camvid --preset ecenet/camvid

Each run is a process of its own with one thread; the runtimes take turns. CPU seconds
depend less on other programs than wall clock.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import json, resource, sys, time
start = time.process_time()
name, path, photo = sys.argv[1:]
if name == "keras":
    import keras_seg
    model = keras_seg.models.load_model(path)
else:
    import keras_seg_runtime
    model = keras_seg_runtime.load(path, threads=1)
model.segment(photo)
first = time.process_time() - start
times = []
for _ in range(2):
    start = time.process_time()
    model.segment(photo)
    times.append(time.process_time() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"start_to_result": first, "segment": min(times), "peak_mb": peak}))
"""
FILES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml", "saved-model": ""}


def run(name, path, photo, backend=None):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    if backend:
        environment["KERAS_BACKEND"] = backend
    words = [sys.executable, "-c", CODE, name, str(path), str(photo)]
    result = subprocess.run(words, env=environment, capture_output=True, text=True)
    if result.returncode:
        return {"error": result.stderr.strip().splitlines()[-1]}
    return json.loads(result.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exported", type=Path, help="path of the files, no suffix")
    parser.add_argument("--preset", required=True)
    parser.add_argument("--photo", default="examples/photos/chelsea.jpg")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--backends", nargs="*", default=["tensorflow"])
    parser.add_argument("--runtimes", nargs="*", default=["onnx", "litert", "openvino"])
    options = parser.parse_args()
    best = {}
    for _ in range(options.rounds):
        for name in [*options.runtimes, *options.backends]:
            if name in FILES:
                path = options.exported.with_name(options.exported.name + FILES[name])
                found = run(name, path, options.photo)
            else:
                found = run("keras", options.preset, options.photo, backend=name)
            known = best.setdefault(name, found)
            best[name] = {k: min(v, known[k]) for k, v in found.items() if k in known}
            print(name, found, file=sys.stderr, flush=True)
    print("| runtime | start to result, CPU s | next photo, CPU s | peak MB |")
    print("|---|---|---|---|")
    for name, found in best.items():
        values = found.get("error") or (
            f"{found['start_to_result']:.2f} | {found['segment']:.2f} | "
            f"{found['peak_mb']:.0f}"
        )
        print(f"| {name} | {values} |")


if __name__ == "__main__":
    main()
