#!/usr/bin/env python3
"""Rows and answers of other people's Keras nets, from the definitions of Keras, QKeras and NumPy alone.

    pip install h5py numpy
    python keras_answers.py MODEL.json WEIGHTS.h5 OUT --jets | --mnist IMAGES [--relu BITS SCALE] [--weights BITS]
                                                      [--po2-min VALUE] [--rows N]

Writes OUT.rows.npy (bytes as a device takes them), OUT.scores.npy (float64, before a softmax) and OUT.answers.npy.
It reads the JSON and the HDF5 itself and shares no line with host/import/examples/keras_h5.py, which it judges;
the options mean the same as there. `tests/models` says which nets it is run on.
"""

import argparse
import json
import re

import h5py
import numpy as np

# ---- quantisers, each as its authors define it


def binary(x):
    """Signs, 0 is positive: `K.sign` with zeros moved up in QKeras, `x >= 0` in hls4ml."""
    return np.where(x >= 0, 1.0, -1.0)


def ternary(x):
    """`ternarize` of TernaryNet's Keras layers, and `ternary_tanh`: the border at -0.5 belongs to -1."""
    return np.where(x > 0.5, 1.0, np.where(x <= -0.5, -1.0, 0.0))


def quantized_bits(x, bits, integer=0, symmetric=0, keep_negative=True):
    """Fixed point of `bits` bits, `integer` of them before the point and one more for the sign."""
    steps = 2.0 ** (bits - (1 if keep_negative else 0))
    low = (-1.0 + symmetric / steps) if keep_negative else 0.0
    return 2.0**integer * np.clip(np.round(x * steps / 2.0**integer) / steps, low, 1.0 - 1.0 / steps)


def quantized_relu(x, bits, integer=0):
    """Fixed point without a sign; the rounding of a negative number is clipped away."""
    steps = 2.0**bits
    return 2.0**integer * np.clip(np.round(x * steps / 2.0**integer) / steps, 0.0, 1.0 - 1.0 / steps)


def quantized_po2(x, bits, max_value, least=None):
    """A sign and a power of two, nearest in its logarithm; below Keras' epsilon it is the least."""
    exponent_bits = bits - 1 - (1 if max_value is None or max_value > 1 else 0)
    low, high = -(2.0**exponent_bits), 2.0**exponent_bits - 1
    size = np.abs(x)
    log = np.round(np.log2(np.maximum(size if max_value is None else np.minimum(size, max_value), 1e-7)))
    exponent = np.where(size < 1e-7, low, np.clip(log, low, high))
    if least is not None:
        exponent = np.maximum(exponent, np.log2(least))
    return np.where(x < 0, -1.0, 1.0) * 2.0**exponent


def integers(kernel, bits):
    """Weights of floats as --weights rounds them: whole numbers times the largest of each output."""
    most = 2.0 ** (bits - 1) - 1
    step = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / most
    step[step == 0] = 1.0
    return step * np.clip(np.round(kernel / step), -most, most)


# ---- layers


def patches(x, size, strides, padding, fill):
    """Windows of [rows, height, width, channels]: [rows, y, x, window height, window width, channels]."""
    if padding == "same":
        outs = [-(-extent // stride) for extent, stride in zip(x.shape[1:3], strides)]
        missing = [max((out - 1) * s + k - n, 0) for out, s, k, n in zip(outs, strides, size, x.shape[1:3])]
        x = np.pad(x, [(0, 0), *((one // 2, one - one // 2) for one in missing), (0, 0)], constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1]].transpose(0, 1, 2, 4, 5, 3)


def convolved(x, kernel, config):
    windows = patches(x, kernel.shape[:2], config["strides"], config["padding"], 0.0)
    return np.tensordot(windows, kernel, axes=([3, 4, 5], [0, 1, 2]))


def pooled(x, config):
    windows = patches(x, config["pool_size"], config["strides"], config["padding"], -np.inf)
    return windows.max(axis=(3, 4))


def normed(x, config, weights):
    gamma = weights["gamma"] if config["scale"] else 1.0
    beta = weights["beta"] if config["center"] else 0.0
    root = np.sqrt(weights["moving_variance"] + config["epsilon"])
    return gamma * (x - weights["moving_mean"]) / root + beta


# ---- a net


class Net:
    """The layers of a sequential model in order, and how floats of it are rounded."""

    def __init__(self, path, weights, said):
        with open(path) as file:
            config = json.load(file)["config"]
        self.layers = config["layers"] if isinstance(config, dict) else config
        self.said = said
        with h5py.File(weights) as file:
            self.weights = {layer["config"]["name"]: self.arrays(file, layer["config"]["name"]) for layer in self.layers}

    @staticmethod
    def arrays(file, name):
        """The arrays of a layer by their last name, as 64-bit floats."""
        group, found = file.get("model_weights", file).get(name), {}
        keep = lambda key, item: found.update({re.sub(r":\d+$", "", key.split("/")[-1]): item})
        if group is not None:
            group.visititems(lambda key, item: keep(key, item[()].astype(np.float64)) if hasattr(item, "dtype") else None)
        return found

    def constant(self, values, said, kind, is_kernel):
        """A kernel or a bias behind its quantiser."""
        if is_kernel and kind.startswith("Binary"):
            return binary(values)
        if is_kernel and kind.startswith("Ternary"):
            return ternary(values)
        if said is None:
            return integers(values, self.said.weights) if is_kernel and self.said.weights else values
        config = said["config"]
        if said["class_name"] == "quantized_bits":
            assert config["alpha"] in (None, 1), said
            return quantized_bits(values, config["bits"], config["integer"], config["symmetric"], config["keep_negative"])
        assert said["class_name"] == "quantized_po2" and not config["quadratic_approximation"], said
        return quantized_po2(values, config["bits"], config["max_value"], self.said.po2_min)

    def activated(self, x, said):
        """An activation by its name, by a call such as `quantized_relu(3,1)`, or by its configuration."""
        if isinstance(said, dict):
            assert said["class_name"] == "quantized_relu" and not said["config"]["negative_slope"], said
            return quantized_relu(x, said["config"]["bits"], said["config"]["integer"])
        name, *numbers = re.findall(r"\w+", said)
        if name == "quantized_relu":
            return quantized_relu(x, *map(int, numbers))
        if name == "relu" and self.said.relu:
            bits, step = int(self.said.relu[0]), float(self.said.relu[1])
            return step * np.clip(np.round(x / step), 0, 2**bits - 1)
        # A softmax moves no class before another; scores are what stands before it.
        plain = {"linear": lambda x: x, "softmax": lambda x: x, "relu": lambda x: np.maximum(x, 0)}
        return {**plain, "binary_tanh": binary, "ternary_tanh": ternary}[name](x)

    def layer(self, x, layer):
        kind, config = layer["class_name"], layer["config"]
        weights = self.weights[config["name"]]
        if "kernel" in weights:
            kernel = self.constant(weights["kernel"], config.get("kernel_quantizer"), kind, True)
            x = x @ kernel if kernel.ndim == 2 else convolved(x, kernel, config)
            if config["use_bias"]:
                x = x + self.constant(weights["bias"], config.get("bias_quantizer"), kind, False)
        elif kind == "BatchNormalization":
            x = normed(x, config, weights)
        elif kind == "MaxPooling2D":
            x = pooled(x, config)
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        else:
            assert kind in ("InputLayer", "Dropout", "Activation", "QActivation"), kind
        return self.activated(x, config["activation"]) if config.get("activation") else x

    def scores(self, x):
        shape = next(layer["config"]["batch_input_shape"] for layer in self.layers if "batch_input_shape" in layer["config"])
        x = x.reshape(len(x), *shape[1:])
        for layer in self.layers:
            x = self.layer(x, layer)
        return x


# ---- rows


def jets(count):
    """Features of jets are standardised: normal ones in steps of 1/32, and what they are worth."""
    rows = np.clip(np.rint(np.random.default_rng(1).standard_normal((count, 16)) * 32), -128, 127).astype(np.int8)
    return rows, rows / 32.0


def pictures(path, count):
    """The first pictures of an IDX file, and what they are worth."""
    with open(path, "rb") as file:
        head = np.frombuffer(file.read(16), ">u4")
        assert head[0] == 0x803 and head[1] >= count, f"{path} is not a file of {count} pictures"
        rows = np.frombuffer(file.read(count * head[2] * head[3]), np.uint8).reshape(count, -1)
    return rows, rows / 255.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("json", "h5", "out"):
        parser.add_argument(name)
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--jets", action="store_true", help="random features")
    data.add_argument("--mnist", metavar="IMAGES", help="IDX file of pictures")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--relu", nargs=2, metavar=("BITS", "SCALE"))
    parser.add_argument("--weights", type=int, metavar="BITS")
    parser.add_argument("--po2-min", type=float, metavar="VALUE")
    said = parser.parse_args()
    rows, reals = jets(said.rows) if said.jets else pictures(said.mnist, said.rows)
    scores = Net(said.json, said.h5, said).scores(reals)
    np.save(f"{said.out}.rows.npy", rows)
    np.save(f"{said.out}.scores.npy", scores)
    np.save(f"{said.out}.answers.npy", scores.argmax(axis=1))


if __name__ == "__main__":
    main()
