#!/usr/bin/env python3
"""Writes OUT.npz and OUT.toml from a sequential Keras or QKeras model: its JSON and its weights in HDF5.

    pip install h5py numpy
    python keras_h5.py model.json weights.h5 OUT --bytes 'u8/255' [--relu BITS SCALE] [--weights BITS] [--po2-min VALUE]

Relus and kernels of plain floats have no exact integer form: --relu and --weights give them one, rounding.
Powers of two of one output may lie at most 64 times apart: --po2-min raises lesser ones.
Every option of every layer and quantiser is looked at: what is not understood is refused by name.
"""

import argparse
import ast
import json

import h5py
import numpy as np

KINDS = {"Conv1D": "conv", "Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense"}
# Layers whose kind is their quantiser, as hls4ml has them: ternary weights begin at a half.
OWN = {"BinaryDense": dict(kind="binary"), "TernaryDense": dict(kind="ternary")}
POOLS = {"MaxPooling": "max-pool", "AveragePooling": "average-pool", "GlobalAveragePooling": "average-pool"}

# ---- what is understood: for each option its values, or a test of them; everything else is refused

ANY = lambda value: True
NO = lambda value: value in (None, False, 0)
ONES = lambda value: all(one == 1 for one in (value if isinstance(value, list) else [value]))
LAST = lambda value: value in (None, "channels_last")


def is_float(value):
    """Numbers of 32 or 64 bits, said as Keras 2 or 3 say it."""
    value = value.get("config", {}).get("name") if isinstance(value, dict) else value
    return value in (None, "float32", "float64")


def words(*names):
    return {name: ANY for name in names}


# Of training alone, or names.
LAYER = words("name", "trainable", "batch_input_shape", "batch_shape") | dict(dtype=is_float, quantization_config=NO)
FILTERS = LAYER | words(
    "kernel_initializer", "kernel_regularizer", "kernel_constraint", "bias_initializer", "bias_regularizer",
    "bias_constraint", "activity_regularizer", "kernel_range", "bias_range", "use_bias", "activation",
    "kernel_quantizer", "bias_quantizer",
)
WINDOW = words("kernel_size", "strides", "groups") | dict(
    padding=("valid", "same"), data_format=LAST, dilation_rate=ONES, rank=ANY
)
POOL = LAYER | words("pool_size", "strides") | dict(padding=("valid", "same"), data_format=LAST)
LAYERS = {
    "InputLayer": LAYER | dict(sparse=NO, ragged=NO, optional=NO),
    "Dense": FILTERS | words("units"),
    "BinaryDense": FILTERS | words("units", "kernel_lr_multiplier", "bias_lr_multiplier") | dict(H=ONES),
    "TernaryDense": FILTERS | words("units", "kernel_lr_multiplier", "bias_lr_multiplier") | dict(H=ONES),
    "Conv1D": FILTERS | WINDOW | words("filters"),
    "Conv2D": FILTERS | WINDOW | words("filters"),
    "DepthwiseConv2D": {
        name.replace("kernel_", "depthwise_") if name not in ("kernel_size",) else name: rule
        for name, rule in (FILTERS | WINDOW | words("depth_multiplier")).items()
    },
    "BatchNormalization": LAYER | words(
        "momentum", "renorm_momentum", "renorm_clipping", "epsilon", "center", "scale", "axis", "fused", "synchronized", "beta_initializer",
        "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer", "beta_regularizer",
        "gamma_regularizer", "beta_constraint", "gamma_constraint",
    ) | dict(renorm=NO, virtual_batch_size=NO, adjustment=NO),
    "Flatten": LAYER | dict(data_format=LAST),
    "Dropout": LAYER | words("rate", "noise_shape", "seed"),
    "Activation": LAYER | words("activation"),
    "ReLU": LAYER | dict(max_value=(None,), negative_slope=NO, threshold=NO),
} | {f"{kind}{axes}D": POOL for kind in ("MaxPooling", "AveragePooling") for axes in (1, 2)}
LAYERS |= {f"GlobalAveragePooling{axes}D": LAYER | dict(data_format=LAST, keepdims=NO) for axes in (1, 2)}
LAYERS |= {f"Q{kind}": LAYERS[kind] for kind in ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "Activation")}

# Of training alone, or of no effect without what is refused.
QUIET = words("var_name", "use_ste", "use_variables") | dict(qnoise_factor=ONES, use_stochastic_rounding=NO)
ALPHA = QUIET | dict(alpha=(None, 1), scale_axis=ANY, elements_per_scale=NO)
# Names of the arguments in their order, and the options.
QUANTIZERS = {
    "quantized_bits": (
        ["bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding"],
        ALPHA | words("bits", "integer", "symmetric", "keep_negative", "min_po2_exponent", "max_po2_exponent")
        | dict(post_training_scale=(None,)),
    ),
    "quantized_relu": (
        ["bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding", "relu_upper_bound"],
        QUIET | words("bits", "integer") | dict(
            use_sigmoid=NO, negative_slope=NO, relu_upper_bound=(None,), is_quantized_clip=ANY
        ),
    ),
    "quantized_po2": (
        ["bits", "max_value", "use_stochastic_rounding", "quadratic_approximation"],
        QUIET | words("bits", "max_value") | dict(quadratic_approximation=NO, log2_rounding=("rnd",)),
    ),
    "binary": (["use_01", "alpha", "use_stochastic_rounding"], ALPHA | dict(use_01=NO)),
    "ternary": (
        ["alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"],
        ALPHA | words("threshold", "number_of_unrolls"),
    ),
    "binary_tanh": ([], {}), "ternary_tanh": ([], {}), "softmax": ([], {}), "linear": ([], {}), "relu": ([], {}),
}


def refuse(problem):
    raise SystemExit(f"keras_h5.py: {problem}")


def check(what, config, options):
    """Refuses every option that is not known, or has a value that is not understood."""
    for name, value in config.items():
        rule = options.get(name)
        if rule is None:
            refuse(f"{what}: option {name} = {value!r} is not understood")
        if not (rule(value) if callable(rule) else value in rule):
            refuse(f"{what}: {name} = {value!r} is not understood")


def table(values):
    """An inline table of TOML."""
    text = lambda value: str(value).lower() if isinstance(value, bool) else json.dumps(value)
    return "{ " + ", ".join(f"{key} = {text(value)}" for key, value in values.items()) + " }"


def parsed(said, where):
    """Class and options of a quantiser or activation, written as `quantized_relu(3,1)`, with keywords, or as a table."""
    if isinstance(said, dict) and isinstance(said.get("config"), dict):
        name, config = said.get("class_name"), dict(said["config"])
    else:
        try:
            call = ast.parse(str(said).strip(), mode="eval").body
            is_call = isinstance(call, ast.Call)
            name = (call.func if is_call else call).id
            values = [ast.literal_eval(value) for value in call.args] if is_call else []
            names = QUANTIZERS[name][0] if name in QUANTIZERS else []
            if len(values) > len(names) and name in QUANTIZERS:
                raise ValueError
            config = dict(zip(names, values))
            for word in call.keywords if is_call else []:
                if word.arg is None or word.arg in config:
                    raise ValueError
                config[word.arg] = ast.literal_eval(word.value)
        except (AttributeError, SyntaxError, ValueError):
            refuse(f"{where}: {said!r} cannot be read as a quantiser")
    if name not in QUANTIZERS:
        refuse(f"{where}: {name} has no integer form here; known are {', '.join(QUANTIZERS)}")
    check(f"{where}: {name}", config, QUANTIZERS[name][1])
    return name, config


def fixed(name, config, where):
    """Bits, step, sign and whether the least is left out, of quantized_bits."""
    bits, integer, is_signed = config.get("bits", 8), config.get("integer", 0), bool(config.get("keep_negative", True))
    if not 1 + is_signed <= bits <= 8:
        refuse(f"{where}: {name} of {bits} bits{' with a sign' * is_signed}; {1 + is_signed} to 8 are known")
    narrow = is_signed and bool(config.get("symmetric", False))
    return dict(bits=bits, scale=2.0 ** (integer + is_signed - bits), signed=is_signed, narrow=narrow)


def quantizer(said, where, po2_min):
    """The quantiser of weights or of a bias."""
    if said is None:
        return None
    name, config = parsed(said, where)
    if name == "quantized_bits":
        return dict(kind="integer") | fixed(name, config, where)
    if name == "quantized_po2":
        greatest = config.get("max_value")
        greatest = 2.0 ** (2 ** (config["bits"] - 2) - 1) if greatest is None else float(greatest)
        return dict(kind="power-of-two", max=greatest, **(dict(min=po2_min) if po2_min else dict(bits=config["bits"])))
    if name == "binary":
        return dict(kind="binary")
    if name == "ternary":
        return dict(kind="ternary", threshold=threshold(config))
    refuse(f"{where}: {name} is no quantiser of weights")


def threshold(config):
    """From where on QKeras' ternary is not 0: a number of 32 bits just above what is said."""
    said = config.get("threshold")
    return 0.33 if said is None else float(said)


def activation(said, where, relu):
    """What follows a layer; nothing for a linear one."""
    name, config = parsed(said, where)
    if name == "relu" and not relu:
        refuse(f"{where}: relu has no exact integer form without --relu BITS SCALE")
    bits, integer = config.get("bits", 8), config.get("integer", 0)
    if name == "quantized_relu" and not 1 <= bits <= 8:
        refuse(f"{where}: {name} of {bits} bits; 1 to 8 are known")
    known = {
        "binary": lambda: dict(kind="sign"),
        "binary_tanh": lambda: dict(kind="sign"),
        "ternary": lambda: dict(kind="ternary", threshold=threshold(config)),
        "ternary_tanh": lambda: dict(kind="ternary"),
        "softmax": lambda: dict(kind="softmax"),
        "quantized_relu": lambda: dict(kind="relu", bits=bits, scale=2.0 ** (integer - bits)),
        "quantized_bits": lambda: dict(kind="quant") | fixed(name, config, where),
        "relu": lambda: dict(kind="relu", bits=int(relu[0]), scale=float(relu[1])),
        "linear": lambda: None,
    }
    return known[name]() if name in known else refuse(f"{where}: {name} is no activation that has an integer form here")


class Description:
    """Tables of layers, and the arrays that they name."""

    def __init__(self, weights, options):
        self.weights, self.options = weights, options
        self.arrays, self.lines, self.shape, self.axes = {}, [], None, 0

    def array(self, name, part):
        group = self.weights.get(name)
        found = [item for key, item in items(group) if key.split("/")[-1].split(":")[0] == part] if group else []
        if len(found) != 1:
            refuse(f"layer {name}: {len(found)} arrays `{part}` in the weights, one is needed; save them as HDF5 of layers "
                   "(model.save_weights('NAME.h5') of Keras 2, or model.save('NAME.h5'))")
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
        where = f"layer {name} ({kind})"
        of = OWN.get(kind) or quantizer(config.get(of), where, self.options.po2_min)
        keys = dict(weights=self.array(name, part), order='"hwcm"' if is_depthwise else None)
        if of is None and self.options.weights:
            of = self.rounded(name, part)
        keys["quantizer"] = table(of) if of else None
        if config.get("use_bias"):
            of = quantizer(config.get("bias_quantizer"), where, self.options.po2_min)
            keys.update(bias=self.array(name, "bias"), bias_quantizer=table(of) if of else None)
        if KINDS[plain] == "conv":
            keys.update(stride=json.dumps(config["strides"]), padding=json.dumps(config["padding"]))
            keys.update(groups=config["groups"] if not is_depthwise and config.get("groups", 1) != 1 else None)
        self.table(name, KINDS[plain], **keys)

    def norm(self, name, config):
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        if axis not in (-1, self.axes - 1):
            refuse(f"layer {name} (BatchNormalization): axis = {config['axis']!r} is not understood; the last one is")
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
        name = config.get("name", kind)
        where = f"layer {name} ({kind})"
        if kind not in LAYERS:
            refuse(f"{where} is not known; known are {', '.join(LAYERS)}")
        check(where, config, LAYERS[kind])
        plain = kind.removeprefix("Q").removeprefix("Binary").removeprefix("Ternary")
        shape = config.get("batch_input_shape") or config.get("batch_shape")
        if shape and not self.shape:
            self.shape, self.axes = shape[1:], len(shape)
        if plain in KINDS:
            self.weighted(name, kind, plain, config)
        elif kind == "BatchNormalization":
            self.norm(name, config)
        elif kind.rstrip("12D") in POOLS:
            self.pool(name, kind, config)
            self.axes = 2 if kind.startswith("Global") else self.axes
        elif kind == "Flatten":
            self.table(name, "flatten")
            self.axes = 2
        said = "relu" if kind == "ReLU" else config.get("activation")
        # A relu before a quantised one does nothing.
        next_said = behind["config"].get("activation") if behind and behind["class_name"].endswith("Activation") else None
        is_idle = said == "relu" and next_said and parsed(next_said, where)[0] == "quantized_relu"
        of = activation(said, where, self.options.relu) if said and not is_idle else None
        if of:
            self.table(name if kind.endswith("Activation") or kind == "ReLU" else f"{name}.activation", "activation", activation=table(of))


def items(group):
    """Every array of a group by its path."""
    found = []
    group.visititems(lambda key, item: found.append((key, item)) if isinstance(item, h5py.Dataset) else None)
    return found


def read_by(one):
    """Names of the layers that a layer of a functional model reads."""
    nodes = one.get("inbound_nodes") or []
    names = []
    for node in nodes:
        if isinstance(node, dict):
            histories = json.dumps(node.get("args", []))
            names.append([part.split('"')[1] for part in histories.split('"keras_history": [')[1:]])
        else:
            names.append([part[0] for part in node])
    return names


def layers_of(model):
    """The layers in a row; refuses models that are no row."""
    config, kind = model["config"], model.get("class_name", "Sequential")
    layers = config["layers"] if isinstance(config, dict) else config
    if kind not in ("Sequential", "Functional", "Model"):
        refuse(f"the model is a {kind}; a sequential one, or a functional one whose layers stand in a row, is known")
    for before, one in zip(layers, layers[1:]) if kind != "Sequential" else []:
        if read_by(one) != [[before["config"]["name"]]]:
            refuse(f"layer {one['config'].get('name')} reads {read_by(one)}, not {before['config']['name']} alone: "
                   "a model whose layers do not stand in a row is described by hand (host/import/README.md)")
    outputs = config.get("output_layers") if isinstance(config, dict) else None
    outputs = [outputs] if outputs and isinstance(outputs[0], str) else outputs
    if outputs and [one[0] for one in outputs] != [layers[-1]["config"]["name"]]:
        refuse(f"the results are {outputs}, not that of the last layer alone")
    return layers


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
    try:
        with open(said.json) as file:
            model = layers_of(json.load(file))
    except (ValueError, KeyError, TypeError) as problem:
        refuse(f"{said.json} is no description of a model as model.to_json() writes it ({problem!r})")
    if not h5py.is_hdf5(said.h5):
        refuse(f"{said.h5} is no HDF5 file; a .keras file is an archive: save the weights by model.save('NAME.h5')")
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
