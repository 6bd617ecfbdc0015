"""Ways to damage a file, each decided by a generator of random numbers."""

import json

LENGTHS = (0, 1, 8, 64, 512, 4096)
VALUES = (
    None,
    True,
    0,
    -1,
    3,
    2**31,
    2**63,
    2**64,
    10**6,
    10**40,
    1e9,
    1e308,
    -0.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "x" * 10_000,
    "../../x",
    "/dev/zero",
    "https://example.org/x",
    "\x1b[31m\n",
    "\ud800",
    [],
    {},
    [1, 2, 3],
    [[[[[[[[1]]]]]]]],
    {"a": {"b": {"c": {"d": {"e": 1}}}}},
    {"class_name": "__lambda__", "config": {"value": "x"}},
    {"class_name": "Lambda", "module": "keras.layers", "config": {}},
    {"class_name": "Dense", "module": "keras.layers", "config": {"units": 10**9}},
    {
        "class_name": "Rescaling",
        "module": "keras.layers",
        "config": {"scale": "x"},
        "registered_name": None,
    },
)


def damage_bytes(rng, data):
    """Bytes that differ in one to three places."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not data:
            break
        at = int(rng.integers(len(data)))
        if rng.integers(2):  # headers matter most
            at = int(rng.integers(min(len(data), 2048)))
        length = int(rng.choice(LENGTHS))
        chunk = data[at : at + length]
        way = rng.integers(8)
        if way == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            del data[at:]
        elif way == 2:
            del data[at : at + length]
        elif way == 3:
            data[at:at] = chunk * int(rng.integers(1, 5))
        elif way == 4:
            data[at : at + length] = rng.bytes(len(chunk))
        elif way == 5:
            data[at : at + length] = b"\xff" * len(chunk)
        elif way == 6:
            data[at : at + length] = bytes(len(chunk))
        else:  # numbers of 4 or 8 bytes that say how much there is
            size = int(rng.choice([4, 8]))
            value = int(rng.choice([0, 1, 2**16, 2**24, 2**30, 2**31 - 1]))
            data[at : at + size] = value.to_bytes(size, str(rng.choice(ORDERS)))
    return bytes(data)


ORDERS = ("little", "big")


def damage_json(rng, text):
    """JSON with one to three values replaced, removed, added, moved or nested."""
    content = json.loads(text)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(content))
        if not places:
            break
        parent, key = places[rng.integers(len(places))]
        other, other_key = places[rng.integers(len(places))]
        way = rng.integers(8)
        if way < 4:
            parent[key] = VALUES[rng.integers(len(VALUES))]
        elif way == 4:
            del parent[key]
        elif way == 5:
            parent[key], other[other_key] = other[other_key], parent[key]
            try:
                json.dumps(content)
            except (ValueError, RecursionError):  # one was inside the other
                content = json.loads(text)
        elif way == 6:
            for _ in range(int(rng.choice([2, 40, 250]))):
                parent[key] = [parent[key]]
        elif isinstance(parent, dict):
            parent["surprise"] = VALUES[rng.integers(len(VALUES))]
        else:
            parent *= 2
    return json.dumps(content)


def _places(content):
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(inner):
        yield content, key
        if isinstance(value, dict | list):
            yield from _places(value)
