"""Is training on several devices the training on one with the same batches?

    python benchmarks/many_devices.py --backends tensorflow jax torch

Trains a small CPT with a region reasoner on random label maps, whose images have
different shares of void, with gradient clipping and averaged weights; then compares the
losses of all steps, the memory, all weights, and the validation scores with those of
one device. Devices are virtual ones of one CPU, or processes on the loopback interface.
Each run has processes of its own; the table is printed as JSON lines.

The first row of a backend is a control: one device whose initial weights are changed
by 1e-7 of their value, the size of a rounding error. Rounding alone may cause
differences as large as those of the control.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# Pairs of devices and processes. On torch a process has one device.
CASES = {
    "tensorflow": [(2, 1), (4, 1), (2, 2)],
    "jax": [(2, 1), (4, 1), (2, 2)],
    "torch": [(2, 2), (4, 4)],
}
BATCH = 8
CLASSES = 5


class Pairs(list):
    num_classes, ignore_class = CLASSES, 255


def random_pairs(number=BATCH, size=32):
    """Images of class colours with noise; the i-th is void on i of 8 parts."""
    import numpy as np

    rng = np.random.default_rng(0)
    pairs = Pairs()
    for i in range(number):
        label = rng.integers(0, CLASSES, (size // 8, size // 8), "uint8")
        label = label.repeat(8, 0).repeat(8, 1)
        noise = rng.integers(0, 60, (size, size, 3))
        image = (label[..., None] * 40 + noise).astype("uint8")
        label[: size * (i % 8) // 8] = 255
        pairs.append((image, label))
    return pairs


def make_model(loss, optimizer):
    import keras
    import keras_hub

    import keras_seg

    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
    )
    model = keras_seg.CPT(
        backbone,
        CLASSES,
        hidden_dim=8,
        pool_dim=4,
        dropout=0.0,
        memory_momentum=0.3,
        freeze_backbone_norm=False,
        reasoner={"num_regions": 4, "depth": 1},
        min_component_area=4,
    )
    options = {"global_clipnorm": 1.0, "use_ema": True, "ema_momentum": 0.9}
    if optimizer == "adamw":
        optimizer = keras_seg.optimizers.MultiplierAdamW(
            1e-3,
            multipliers={"^head/": 4.0},
            weight_decay=0.02,
            epsilon=1e-4,
            **options,
        )
    else:
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9, **options)
    if loss == "segmentation":
        loss = keras_seg.losses.SegmentationLoss(jaccard=1.0)
    model.compile(optimizer, loss=loss)
    return model


def change_weights(model, share):
    """Multiplies each number of the weights by 1 plus or minus about `share`."""
    import numpy as np

    rng = np.random.default_rng(0)
    for weight in model.trainable_variables:
        factor = 1 + share * rng.standard_normal(weight.shape)
        weight.assign(weight * factor.astype("float32"))


def train(devices, steps, loss, optimizer, folder=None, change=0.0):
    """Losses, memory, scores and weights of a training; `None` if not the first.

    A training with a folder is resumed with what the folder holds.
    """
    import keras
    import numpy as np

    from keras_seg.data import evaluation_dataset, training_dataset
    from keras_seg.training import Devices, RunFolder

    pairs = random_pairs()
    with Devices(devices) as devices, devices.scope():
        model = make_model(loss, optimizer)
        if change:
            change_weights(model, change)
        writers, callbacks, done = [], [], 0
        if model.optimizer.use_ema:
            callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]
        if folder is not None and devices.is_first:
            writers = [RunFolder(folder, steps_per_epoch=1, note={})]
            done = writers[0].restore(model)
        done = devices.synchronize(model, done)
        history = devices.fit(
            model,
            training_dataset(
                pairs, BATCH, workers=0, steps_per_epoch=1, initial_epoch=done
            ),
            # One more than the devices can share out evenly.
            evaluation_dataset(Pairs(pairs[:3]), workers=0),
            initial_epoch=done,
            epochs=steps,
            verbose=0,
            callbacks=[*callbacks, *writers],
            writers=writers,
        ).history
        result = {key: np.asarray(value).tolist() for key, value in history.items()}
        memory = model.head.updates[0].memory.memory
        result["memory"] = keras.ops.convert_to_numpy(memory).ravel().tolist()
        weights = [keras.ops.convert_to_numpy(w).ravel() for w in model.weights]
        weights = [w for w in weights if w.dtype == "float32"]
        result["weights"] = np.concatenate(weights).tolist()
        result["devices"] = devices.count
    return result if devices.is_first else None


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def environment(backend, devices, processes, process, ports):
    """What each engine reads, as its own documentation says."""
    each = devices // processes
    addresses = [f"127.0.0.1:{port}" for port in ports]
    env = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"}
    env["PYTHONPATH"] = str(ROOT)
    env.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if backend == "jax":
        env["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={each}"
    if processes == 1:
        return env
    if backend == "jax":
        env["KERAS_DISTRIBUTION_JOB_ADDRESSES"] = addresses[0]
        env["KERAS_DISTRIBUTION_NUM_PROCESSES"] = str(processes)
        env["KERAS_DISTRIBUTION_PROCESS_ID"] = str(process)
    elif backend == "tensorflow":
        task = {"type": "worker", "index": process}
        config = {"cluster": {"worker": addresses}, "task": task}
        env["TF_CONFIG"] = json.dumps(config)
    else:
        env.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(ports[0]))
        env.update(RANK=str(process), LOCAL_RANK=str(process))
        env["WORLD_SIZE"] = str(processes)
    return env


def run_processes(command, backend, devices, processes, timeout):
    """Runs a command in each process; the exit codes and the output of the first."""
    ports = [free_port() for _ in range(processes)]
    started = [
        subprocess.Popen(
            command,
            env=environment(backend, devices, processes, i, ports),
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(processes)
    ]
    try:
        outputs = [process.communicate(timeout=timeout)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    return [process.returncode for process in started], outputs[0]


def run(
    backend,
    devices,
    processes,
    steps,
    loss="segmentation",
    optimizer="sgd",
    change=0.0,
):
    """The result of one training, in as many processes as asked for."""
    number = "None" if processes > 1 else str(devices)
    command = [sys.executable, __file__, "--train", number, "--steps", str(steps)]
    command += ["--loss", loss, "--optimizer", optimizer, "--change", str(change)]
    codes, output = run_processes(command, backend, devices, processes, timeout=900)
    if any(codes):
        raise RuntimeError(f"{backend}: {codes}")
    return json.loads(output.splitlines()[-1])


def compare(one, many):
    """Greatest differences of two trainings."""
    import numpy as np

    def difference(key):
        return float(np.abs(np.subtract(one[key], many[key])).max())

    return {key: difference(key) for key in one if key not in ("devices", "val_loss")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--loss", default="segmentation", help="or auto")
    parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adamw"])
    parser.add_argument("--change", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--train", metavar="DEVICES", help="used for the processes")
    args = parser.parse_args()
    how = {"steps": args.steps, "loss": args.loss, "optimizer": args.optimizer}
    if args.train:
        devices = None if args.train == "None" else int(args.train)
        result = train(devices, change=args.change, **how)
        if result:
            print(json.dumps(result))
        return
    for backend in args.backends:
        one = run(backend, 1, 1, **how)
        changed = run(backend, 1, 1, change=1e-7, **how)
        row = {"backend": backend, "devices": 1, "changed": 1e-7}
        print(json.dumps({**row, **how, **compare(one, changed)}), flush=True)
        for devices, processes in CASES[backend]:
            many = run(backend, devices, processes, **how)
            if many["devices"] != devices:
                raise RuntimeError(f"{many['devices']} devices instead of {devices}")
            row = {"backend": backend, "devices": devices, "processes": processes}
            row.update(how, **compare(one, many))
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
