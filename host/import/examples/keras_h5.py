#!/usr/bin/env python3
"""Writes OUT.npz and OUT.toml from a sequential Keras or QKeras model: its JSON and its weights in HDF5.

    pip install h5py numpy
    python keras_h5.py model.json weights.h5 OUT --bytes 'u8/255' [--relu BITS SCALE]

A relu without a quantiser has no exact integer form; --relu gives it one.
"""

import argparse
import ast
import json

import h5py
import numpy as np

KINDS = {"Conv1D": "conv", "Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense"}
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


def quantizer(said):
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
        return dict(kind="power-of-two", bits=config["bits"], max=float(config["max_value"]))
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


def layers(model, weights, relu):
    """Tables of layers, and the arrays that they name."""
    arrays, lines, shape = {}, [], None

    def array(name, part):
        found = [item for key, item in items(weights[name]) if key.split("/")[-1].split(":")[0] == part]
        arrays[f"{name}.{part}"] = found[0][()]
        return f'"{name}.{part}"'

    def layer(name, kind, **keys):
        said = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items() if value is not None)
        lines.append(f'[[layer]]\nname = "{name}"\nkind = "{kind}"\n{said}')

    for one, behind in zip(model, [*model[1:], None]):
        config, kind = one["config"], one["class_name"]
        name, plain = config["name"], kind.removeprefix("Q").removeprefix("Binary").removeprefix("Ternary")
        shape = shape or config.get("batch_input_shape", [None])[1:]
        keys = {}
        if plain in KINDS:
            depthwise = plain == "DepthwiseConv2D"
            said = {"BinaryDense": {"class_name": "binary", "config": {}}, "TernaryDense": {"class_name": "ternary", "config": {}}}
            of = quantizer(said.get(kind) or config.get("depthwise_quantizer" if depthwise else "kernel_quantizer"))
            keys["weights"] = array(name, "depthwise_kernel" if depthwise else "kernel")
            keys["order"] = '"hwcm"' if depthwise else None
            keys["quantizer"] = table(of) if of else None
            if config.get("use_bias"):
                of = quantizer(config.get("bias_quantizer"))
                keys.update(bias=array(name, "bias"), bias_quantizer=table(of) if of else None)
            if KINDS[plain] == "conv":
                keys.update(stride=json.dumps(config["strides"]), padding=json.dumps(config["padding"]))
            layer(name, KINDS[plain], **keys)
        elif kind == "BatchNormalization":
            parts = {"gamma": config["scale"], "beta": config["center"], "moving_mean": True, "moving_variance": True}
            said = [f"{part.removeprefix('moving_')} = {array(name, part)}" for part, has in parts.items() if has]
            layer(name, "activation", batch_norm=f"{{ {', '.join(said)}, epsilon = {config['epsilon']} }}")
        elif kind.rstrip("12D") in POOLS:
            if "pool_size" in config:
                keys = dict(size=config["pool_size"], stride=config["strides"], padding=config["padding"])
            layer(name, POOLS[kind.rstrip("12D")], **{key: json.dumps(value) for key, value in keys.items()})
        elif kind == "Flatten":
            layer(name, "flatten")
        elif kind not in ("InputLayer", "Dropout", "Activation", "QActivation"):
            raise SystemExit(f"layer {name} ({kind}) is not known")
        # A relu before a quantised one does nothing.
        is_idle = config.get("activation") == "relu" and "quantized_relu" in json.dumps(behind and behind["config"])
        of = activation(config["activation"], relu) if config.get("activation") and not is_idle else None
        if of:
            own = name if kind.endswith("Activation") else f"{name}.activation"
            layer(own, "activation", activation=table(of))
    return shape, lines, arrays


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
    said = parser.parse_args()
    with open(said.json) as file:
        model = json.load(file)["config"]
    with h5py.File(said.h5) as file:
        weights = file["model_weights"] if "model_weights" in file else file
        shape, lines, arrays = layers(model["layers"] if isinstance(model, dict) else model, weights, said.relu)
    head = f'framework = "keras"\n\n[input]\nshape = {json.dumps(shape)}\n'
    head += f'bytes = "{said.bytes}"\n' if said.bytes else ""
    with open(f"{said.out}.toml", "w") as file:
        file.write("\n".join([head, *lines]))
    np.savez_compressed(f"{said.out}.npz", **arrays)


if __name__ == "__main__":
    main()
