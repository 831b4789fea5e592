# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime runs .onnx files, where it is installed."""

from fer_ros.inference.network import Function, NetworkError, Signature, first_line
from fer_ros.start import uninterrupted

QUIET = 3  # errors alone


def open_bytes(data: bytes, threads: int) -> tuple[Signature, Function]:
    """See ``fer_ros.inference.open_network``."""
    try:
        with uninterrupted():  # half imported, it could not be imported again
            import onnxruntime
    except ImportError as error:
        raise NetworkError(f"ONNX Runtime cannot be imported: {error}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = QUIET
    try:
        # Of the bytes, not the path: so a file can name no other file beside it.
        net = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (entry,) = net.get_inputs()
    except Exception as error:  # ONNX Runtime has a dozen of its own
        raise NetworkError(f"ONNX Runtime cannot load it: {first_line(error)}") from None
    # A side that is left open has a name, or none.
    shape = tuple(side if isinstance(side, int) else 0 for side in entry.shape)
    kind = entry.type.removeprefix("tensor(").removesuffix(")").replace("float", "float32")
    return Signature(shape, kind), lambda values: net.run(None, {entry.name: values})
