"""Writes ONNX's own node tests (inputs and outputs of single operators) to a folder.

    python onnx_node_tests.py FOLDER

The package `onnx` holds them as code; every case becomes FOLDER/CASE/model.onnx and
FOLDER/CASE/test_data_set_N/{input,output}_M.pb, as older versions of the package shipped them.
"""

import os
import sys
import warnings

from onnx import TensorProto, numpy_helper

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402


def write(path, values):
    for number, value in enumerate(values):
        try:
            tensor = value if isinstance(value, TensorProto) else numpy_helper.from_array(value)
        except Exception:  # sequences and optionals are no tensors
            continue
        with open(f"{path}_{number}.pb", "wb") as file:
            file.write(tensor.SerializeToString())


count = 0
for case in collect_testcases(None):
    folder = os.path.join(sys.argv[1], case.name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(case.model.SerializeToString())
    for number, (inputs, outputs) in enumerate(case.data_sets or []):
        place = os.path.join(folder, f"test_data_set_{number}")
        os.makedirs(place, exist_ok=True)
        write(os.path.join(place, "input"), inputs)
        write(os.path.join(place, "output"), outputs)
    count += 1
print(f"{count} node tests of ONNX")
