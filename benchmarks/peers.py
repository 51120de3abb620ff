"""VGG-19's blocks in other engines, with seeded weights, for `benchmarks/scales.py`.

An engine that is not installed is left out. Each gives a function from images (uint8, RGB) to the
averages of its deepest map, in float32 or bfloat16, on the processor.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
Run = Callable[[np.ndarray], np.ndarray]


def seeded_kernels() -> list[np.ndarray]:
    """Kernels of the 16 convolutions, shape (outputs, inputs, 3, 3), that keep numbers moderate."""
    rng, kernels, inputs = np.random.default_rng(0), [], 3
    for n_convolutions, channels in BLOCKS:
        for _ in range(n_convolutions):
            kernel = rng.standard_normal((channels, inputs, 3, 3), dtype=np.float32)
            kernels.append(kernel * np.float32((2 / (9 * inputs)) ** 0.5))
            inputs = channels
    return kernels


def _torch_network() -> Any:
    import torch

    layers: list[Any] = []
    kernels = iter(seeded_kernels())
    for n_convolutions, _ in BLOCKS:
        for _ in range(n_convolutions):
            kernel = next(kernels)
            layer = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            layer.weight.data = torch.from_numpy(kernel)
            layer.bias.data.zero_()
            layers += [layer, torch.nn.ReLU(inplace=True)]
        layers.append(torch.nn.MaxPool2d(2))
    layers += [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers).eval()


def pytorch(shape: tuple[int, ...], precision: str) -> Run:
    """PyTorch, channels last, bfloat16 by autocast."""
    import torch

    network = _torch_network().to(memory_format=torch.channels_last)

    def run(images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(images.astype(np.float32) - 120).permute(0, 3, 1, 2)
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        ):
            answer: np.ndarray = network(x).float().numpy()
            return answer

    return run


def _onnx_file(folder: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, arrays, at = [], [], "image"
    kernels = iter(seeded_kernels())
    for block, (n_convolutions, _) in enumerate(BLOCKS, 1):
        for i in range(1, n_convolutions + 1):
            name = f"block{block}_conv{i}"
            arrays.append(numpy_helper.from_array(next(kernels), f"{name}_kernel"))
            sides = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
            nodes.append(helper.make_node("Conv", [at, f"{name}_kernel"], [name], **sides))
            nodes.append(helper.make_node("Relu", [name], [f"{name}_relu"]))
            at = f"{name}_relu"
        pooled = f"block{block}_pool"
        sides = {"kernel_shape": [2, 2], "strides": [2, 2]}
        nodes.append(helper.make_node("MaxPool", [at], [pooled], **sides))
        at = pooled
    nodes.append(helper.make_node("GlobalAveragePool", [at], ["averages"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    averages = helper.make_tensor_value_info("averages", TensorProto.FLOAT, ["n", 512, 1, 1])
    graph = helper.make_graph(nodes, "vgg19", [image], [averages], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "vgg19.onnx"
    onnx.save(model, path)
    return path


def _planes(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) - np.float32(120)


def onnxruntime(shape: tuple[int, ...], precision: str) -> Run:
    """ONNX Runtime, which has no bfloat16 on the processor."""
    if precision != "float32":
        raise ImportError("ONNX Runtime multiplies float32 only on the processor")
    import onnxruntime as runtime

    with tempfile.TemporaryDirectory() as folder:
        session = runtime.InferenceSession(
            str(_onnx_file(Path(folder))), providers=["CPUExecutionProvider"]
        )

    def run(images: np.ndarray) -> np.ndarray:
        answer: np.ndarray = session.run(None, {"image": _planes(images)})[0]
        return answer.reshape(len(images), -1)

    return run


def openvino(shape: tuple[int, ...], precision: str) -> Run:
    """OpenVINO, compiled for the shape of the batch."""
    import openvino as vino

    core = vino.Core()
    with tempfile.TemporaryDirectory() as folder:
        model = core.read_model(_onnx_file(Path(folder)))
        n, height, width, channels = shape
        model.reshape([n, channels, height, width])
        hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
        settings = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(model, "CPU", settings)

    def run(images: np.ndarray) -> np.ndarray:
        answer: np.ndarray = compiled(_planes(images))[0]
        return answer.reshape(len(images), -1)

    return run


PEERS: dict[str, Callable[[tuple[int, ...], str], Run]] = {
    "pytorch": pytorch,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
}
