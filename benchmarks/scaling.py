"""Data-parallel training of a large preset on 8 to 512 GPUs: bytes against bandwidth.

    KERAS_BACKEND=torch python benchmarks/scaling.py \
        --output benchmarks/results/scaling.md

Measured here: the gradients of a step, the messages of normalisation and losses, the
preparation of an image on one core, and the all-reduce of two processes on the loopback
interface. Computed from these and from the numbers of data sheets in `NETWORKS` and
`GPUS`: the step. A ring moves `2 (n - 1) / n` times the gradients through each link;
between machines of 8 GPUs each, it moves them once for all 8.
"""

import argparse
import io
import math
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

PRESET = "cpt/ade20k_swin_large_640"
FLOPS = 915e9  # of one crop forward, benchmarks/results/presets.md
CROP, IMAGES, TRAINING_SET = 640, 2, 20210  # the paper trains with 16 on 8 GPUs
PER_MACHINE = 8
NVLINK = 360e9  # bytes per second, of the 450 of a data sheet for one direction
# Bytes per second of a machine, and seconds of a small message between machines.
NETWORKS = {"8 x 400 Gb/s": (8 * 40e9, 25e-6), "100 Gb/s": (11e9, 50e-6)}
SMALL_INSIDE = 15e-6  # seconds of a small all-reduce inside a machine
# Operations per second of data sheets, of which 35 % are assumed.
GPUS = {"A100, bfloat16": 312e12, "H100, bfloat16": 989e12}
SHARE = 0.35


def count_messages():
    """Bytes of gradients, and how many small all-reduces a step has."""
    import keras

    from keras_seg.keras_internals.layer_graph import sublayers
    from keras_seg.models import load_model

    model = load_model(PRESET, load_weights=False)
    gradients = sum(math.prod(v.shape) for v in model.trainable_variables)
    norms = [
        layer
        for layer in sublayers(model)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    memories = len(model.head.updates)
    small = 2 * len(norms) + memories + 6  # forward and backward; memory; losses
    return {"weights": gradients, "norms": len(norms), "small_messages": small}


def time_image():
    """Seconds of one core to read, augment and stack an image of ADE20K's size."""
    import numpy as np
    from PIL import Image

    from keras_seg.data import TrainAugmentation
    from keras_seg_runtime.images.read_image import read_image

    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 86, 3), "uint8").repeat(8, 0).repeat(8, 1)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    path = pathlib.Path("/tmp", f"scaling-{time.time_ns()}.jpg")
    path.write_bytes(file.getbuffer())
    label = rng.integers(0, 150, image.shape[:2], "uint8")
    augment = TrainAugmentation((CROP, CROP), scale_range=(0.5, 2.0))
    seconds = []
    for _ in range(40):
        start = time.process_time()
        augment(read_image(path), label, rng)
        seconds.append(time.process_time() - start)
    path.unlink()
    return float(np.median(seconds))


def _reduce(rank, port, sizes, queue):
    import torch

    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    for size in sizes:
        data, seconds = torch.ones(size), []
        for _ in range(10):
            torch.distributed.barrier()
            start = time.perf_counter()
            torch.distributed.all_reduce(data)
            seconds.append(time.perf_counter() - start)
        if rank == 0:
            queue.put(sorted(seconds)[5])
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def time_all_reduce(sizes=(1024, 1024 * 1024, 25 * 1024 * 1024)):
    """Median seconds of an all-reduce of two processes, by the number of floats."""
    import torch

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    queue = torch.multiprocessing.get_context("spawn").SimpleQueue()
    torch.multiprocessing.spawn(_reduce, (port, sizes, queue), nprocs=2)
    return {4 * size: queue.get() for size in sizes}


def exchange_time(size, gpus, network):
    """Seconds to sum gradients of so many bytes over all GPUs."""
    inside = min(gpus, PER_MACHINE)
    seconds = 2 * (inside - 1) / inside * size / NVLINK
    machines = gpus // PER_MACHINE
    if machines > 1:
        bandwidth, latency = NETWORKS[network]
        seconds += 2 * (machines - 1) / machines * size / bandwidth
        seconds += 2 * math.log2(machines) * latency
    return seconds


def small_time(messages, gpus, network):
    machines = gpus // PER_MACHINE
    between = 2 * math.log2(machines) * NETWORKS[network][1] if machines > 1 else 0
    return messages * (SMALL_INSIDE + between)


def rows(facts, core):
    """A row per GPU, network and number of GPUs."""
    size = 4 * facts["weights"]
    for gpu, speed in GPUS.items():
        compute = 3 * FLOPS * IMAGES / (SHARE * speed)
        for network in NETWORKS:
            for gpus in (8, 64, 512):
                exchange = exchange_time(size, gpus, network)
                small = small_time(facts["small_messages"], gpus, network)
                # All but the last bucket are exchanged while gradients are computed,
                # which is two thirds of a step.
                exposed = max(exchange - 2 / 3 * compute, exchange * 25e6 / size)
                step = compute + exposed + small
                cores = math.ceil(IMAGES / step * core)
                epoch = TRAINING_SET / (IMAGES * gpus) * step
                yield [
                    gpu,
                    network,
                    gpus,
                    f"{1e3 * compute:.0f}",
                    f"{1e3 * exchange:.1f}",
                    f"{1e3 * small:.1f}",
                    f"{1e3 * step:.0f}",
                    f"{compute / step:.0%}",
                    f"{IMAGES * gpus / step:,.0f}",
                    cores,
                    IMAGES * gpus,
                    f"{epoch:.1f}",
                ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file to write")
    args = parser.parse_args()
    facts, core, reduce = count_messages(), time_image(), time_all_reduce()
    names = "GPU, network of a machine, GPUs, compute ms, exchange ms, small messages "
    names += "ms, step ms, efficiency, images/s, cores per GPU, batch, epoch s"
    columns = names.split(", ")
    lines = [
        f"# Scaling of `{PRESET}`, computed from its parts",
        "",
        f"Measured: {facts['weights'] / 1e6:.1f} M trained weights, so "
        f"{4 * facts['weights'] / 1e6:.0f} MB of gradients per step; "
        f"{facts['norms']} layers of BatchNorm, {facts['small_messages']} small "
        f"all-reduces per step; {1e3 * core:.1f} ms of one core per image.",
        "",
        "Two processes with gloo on the loopback interface: "
        + "; ".join(
            f"{size / 1e6:g} MB in {1e3 * seconds:.2f} ms ({size / seconds / 1e9:.2f} "
            "GB/s)"
            for size, seconds in reduce.items()
        )
        + ".",
        "",
        f"Assumed: {SHARE:.0%} of the operations per second of the data sheets, "
        f"{IMAGES} images of {CROP} x {CROP} per GPU, NVLink with {NVLINK / 1e9:.0f} "
        "GB/s. No GPU was measured.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
    ]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows(facts, core)]
    print("\n".join(lines))
    if args.output:
        args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
