#!/usr/bin/env python3
"""Writes OUT.npz and OUT.toml from a sequential Keras or QKeras model: its JSON and its weights in HDF5.

    pip install h5py numpy
    python keras_h5.py model.json weights.h5 OUT --bytes 'u8/255' [--relu BITS SCALE] [--weights BITS] [--po2-min VALUE]

Relus and kernels of plain floats have no exact integer form: --relu and --weights give them one, rounding.
Powers of two of one output may lie at most 64 times apart: --po2-min raises lesser ones.
"""

import argparse
import ast
import json

import h5py
import numpy as np

KINDS = {"Conv1D": "conv", "Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense"}
# Layers whose kind is their quantiser.
OWN = {f"{name}Dense": {"class_name": name.lower(), "config": {}} for name in ("Binary", "Ternary")}
POOLS = {"MaxPooling": "max-pool", "AveragePooling": "average-pool", "GlobalAveragePooling": "average-pool"}


def table(values):
    """An inline table of TOML."""
    text = lambda value: str(value).lower() if isinstance(value, bool) else json.dumps(value)
    return "{ " + ", ".join(f"{key} = {text(value)}" for key, value in values.items()) + " }"


def parsed(quantizer, names):
    """Class and arguments of a quantiser, written as `quantized_relu(3,1)` or as a table."""
    if isinstance(quantizer, dict):
        return quantizer["class_name"], quantizer["config"]
    name, _, rest = quantizer.partition("(")
    values = ast.literal_eval("(" + (rest.rstrip(")") + "," if rest else "") + ")")
    return name, dict(zip(names, values))


def quantizer(said, po2_min):
    """The quantiser of weights or of a bias."""
    if said is None:
        return None
    name, config = parsed(said, ["bits", "integer", "symmetric"])
    if config.get("alpha") not in (None, 1, 1.0):
        raise SystemExit(f"{name}: alpha {config['alpha']!r} is computed from the weights; write its values as a scale")
    if name == "quantized_bits":
        scale = 2.0 ** (config.get("integer", 0) + 1 - config["bits"])
        return dict(kind="integer", bits=config["bits"], scale=scale, narrow=bool(config.get("symmetric")))
    if name == "quantized_po2":
        greatest = config.get("max_value")
        greatest = 2.0 ** (2 ** (config["bits"] - 2) - 1) if greatest is None else float(greatest)
        return dict(kind="power-of-two", max=greatest, **(dict(min=po2_min) if po2_min else dict(bits=config["bits"])))
    if name in ("binary", "ternary"):
        return dict(kind=name)
    raise SystemExit(f"quantiser {name} is not known")


def activation(said, relu):
    """What follows a layer; nothing for a linear one."""
    name, config = parsed(said, ["bits", "integer"])
    bits, integer = config.get("bits", 8), config.get("integer", 0)
    known = {
        "binary_tanh": dict(kind="sign"),
        "ternary_tanh": dict(kind="ternary"),
        "softmax": dict(kind="softmax"),
        "quantized_relu": dict(kind="relu", bits=bits, scale=2.0 ** (integer - bits)),
        "quantized_bits": dict(kind="quant", bits=bits, scale=2.0 ** (integer + 1 - bits)),
    }
    if name == "relu" and relu:
        return dict(kind="relu", bits=int(relu[0]), scale=float(relu[1]))
    if name == "linear" or name in known:
        return known.get(name)
    raise SystemExit(f"activation {name} has no exact integer form" + " without --relu" * (name == "relu"))


class Description:
    """Tables of layers, and the arrays that they name."""

    def __init__(self, weights, options):
        self.weights, self.options = weights, options
        self.arrays, self.lines, self.shape = {}, [], None

    def array(self, name, part):
        found = [item for key, item in items(self.weights[name]) if key.split("/")[-1].split(":")[0] == part]
        self.arrays[f"{name}.{part}"] = found[0][()]
        return f'"{name}.{part}"'

    def table(self, name, kind, **keys):
        said = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items() if value is not None)
        self.lines.append(f'[[layer]]\nname = "{name}"\nkind = "{kind}"\n{said}')

    def rounded(self, name, part):
        """A quantiser of whole numbers for a kernel of floats: the largest weight of each output is the greatest."""
        kernel = np.abs(self.arrays[f"{name}.{part}"].astype(np.float64))
        inputs = tuple(range(kernel.ndim - (2 if part == "depthwise_kernel" else 1)))
        scale = kernel.max(axis=inputs).ravel() / (2 ** (self.options.weights - 1) - 1)
        self.arrays[f"{name}.scale"] = np.where(scale > 0, scale, 1.0)
        return dict(kind="integer", bits=self.options.weights, scale=f"{name}.scale", narrow=True)

    def weighted(self, name, kind, plain, config):
        """A dense layer or a convolution."""
        is_depthwise = plain == "DepthwiseConv2D"
        part, of = ("depthwise_kernel", "depthwise_quantizer") if is_depthwise else ("kernel", "kernel_quantizer")
        of = quantizer(OWN.get(kind) or config.get(of), self.options.po2_min)
        keys = dict(weights=self.array(name, part), order='"hwcm"' if is_depthwise else None)
        if of is None and self.options.weights:
            of = self.rounded(name, part)
        keys["quantizer"] = table(of) if of else None
        if config.get("use_bias"):
            of = quantizer(config.get("bias_quantizer"), self.options.po2_min)
            keys.update(bias=self.array(name, "bias"), bias_quantizer=table(of) if of else None)
        if KINDS[plain] == "conv":
            keys.update(stride=json.dumps(config["strides"]), padding=json.dumps(config["padding"]))
        self.table(name, KINDS[plain], **keys)

    def norm(self, name, config):
        parts = {"gamma": config["scale"], "beta": config["center"], "moving_mean": True, "moving_variance": True}
        said = [f"{part.removeprefix('moving_')} = {self.array(name, part)}" for part, has in parts.items() if has]
        self.table(name, "activation", batch_norm=f"{{ {', '.join(said)}, epsilon = {config['epsilon']} }}")

    def pool(self, name, kind, config):
        keys = {}
        if "pool_size" in config:
            keys = dict(size=config["pool_size"], stride=config["strides"], padding=config["padding"])
        self.table(name, POOLS[kind.rstrip("12D")], **{key: json.dumps(value) for key, value in keys.items()})

    def layer(self, one, behind):
        """One layer of Keras, and its activation."""
        config, kind = one["config"], one["class_name"]
        name, plain = config["name"], kind.removeprefix("Q").removeprefix("Binary").removeprefix("Ternary")
        self.shape = self.shape or config.get("batch_input_shape", [None])[1:]
        if plain in KINDS:
            self.weighted(name, kind, plain, config)
        elif kind == "BatchNormalization":
            self.norm(name, config)
        elif kind.rstrip("12D") in POOLS:
            self.pool(name, kind, config)
        elif kind == "Flatten":
            self.table(name, "flatten")
        elif kind not in ("InputLayer", "Dropout", "Activation", "QActivation"):
            raise SystemExit(f"layer {name} ({kind}) is not known")
        # A relu before a quantised one does nothing.
        is_idle = config.get("activation") == "relu" and "quantized_relu" in json.dumps(behind and behind["config"])
        of = activation(config["activation"], self.options.relu) if config.get("activation") and not is_idle else None
        if of:
            self.table(name if kind.endswith("Activation") else f"{name}.activation", "activation", activation=table(of))


def items(group):
    """Every array of a group by its path."""
    found = []
    group.visititems(lambda key, item: found.append((key, item)) if isinstance(item, h5py.Dataset) else None)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json")
    parser.add_argument("h5")
    parser.add_argument("out")
    parser.add_argument("--bytes", help="what a byte is worth, as u8/255 or i8*0.0625")
    parser.add_argument("--relu", nargs=2, metavar=("BITS", "SCALE"), help="bits and step of a relu without a quantiser")
    parser.add_argument("--weights", type=int, metavar="BITS", help="bits of a kernel without a quantiser")
    parser.add_argument("--po2-min", type=float, metavar="VALUE", help="the least power of two of a weight")
    said = parser.parse_args()
    with open(said.json) as file:
        model = json.load(file)["config"]
    model = model["layers"] if isinstance(model, dict) else model
    with h5py.File(said.h5) as file:
        described = Description(file["model_weights"] if "model_weights" in file else file, said)
        for one, behind in zip(model, [*model[1:], None]):
            described.layer(one, behind)
    head = f'framework = "keras"\n\n[input]\nshape = {json.dumps(described.shape)}\n'
    head += f'bytes = "{said.bytes}"\n' if said.bytes else ""
    with open(f"{said.out}.toml", "w") as file:
        file.write("\n".join([head, *described.lines]))
    np.savez_compressed(f"{said.out}.npz", **described.arrays)


if __name__ == "__main__":
    main()
