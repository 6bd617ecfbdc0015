"""Is every image segmented once if a node of a Ray cluster is killed?

    KERAS_BACKEND=torch python benchmarks/ray_node_killed.py --images 150

Starts two nodes on this machine, runs examples/predict_on_ray.py on random images, of
which one is no image, and kills the second node when a third of the images is done.
Then starts the command again and counts how many images it segments.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATHS = [str(ROOT), str(ROOT / "examples")]
sys.path[:0] = PATHS
# The workers of all nodes import the package and the example as well.
os.environ["PYTHONPATH"] = os.pathsep.join([*PATHS, os.environ.get("PYTHONPATH", "")])

import predict_on_ray  # noqa: E402


def write_images(folder, number):
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(number):
        image = rng.integers(0, 256, (64, 96, 3), "uint8")
        Image.fromarray(image).save(folder / f"{i:04d}.png")
    (folder / "broken.jpg").write_bytes(b"no image")


def kill_when(cluster, node, output, images):
    """Kills the node once so many images are done; returns a record of it."""
    record = {}

    def watch():
        done = 0
        while done < images or not is_at_work(node):
            time.sleep(0.05)
            done = len(predict_on_ray.read_parts(output))
        record["done_at_kill"] = done
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return record


def is_at_work(node):
    """Whether an actor that segments images runs on the node."""
    import ray

    # Ray lists actors in public only with its dashboard, which is another install.
    return any(
        actor["State"] == "ALIVE" and actor["Address"]["NodeID"] == node.node_id
        for actor in ray._private.state.actors().values()
        if actor["ActorClassName"].startswith("MapWorker")
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=150)
    parser.add_argument("--preset", default="ecenet/camvid")
    args = parser.parse_args()

    import pyarrow.parquet
    import ray
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as folder:
        images, output = pathlib.Path(folder, "images"), pathlib.Path(folder, "out")
        images.mkdir()
        write_images(images, args.images)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        second = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address)
        cluster.wait_for_nodes()
        command = [str(images), "--output", str(output), "--preset", args.preset]
        command += ["--actors", "2", "--batch-size", "2"]
        record = kill_when(cluster, second, output, args.images // 3)
        status = predict_on_ray.main(command)
        nodes = sum(node["Alive"] for node in ray.nodes())
        shares = pyarrow.parquet.read_table(output / "shares.parquet")
        parts = pyarrow.parquet.read_table(output / "parts")
        listed = shares["image"].to_pylist()
        again = predict_on_ray.not_done(
            predict_on_ray.find_paths([str(images)]), output
        )
        print(
            json.dumps(
                {
                    "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
                    "images": args.images,
                    **record,
                    "nodes_at_end": nodes,
                    "label_maps": len(list(output.glob("labels/**/*.png"))),
                    "rows": len(listed),
                    "different_images": len(set(listed)),
                    "rows_of_parts": len(parts),
                    "failed": (output / "failed.csv").read_text().splitlines()[1:],
                    "status": status,
                    "second_start": len(again),
                }
            )
        )
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
