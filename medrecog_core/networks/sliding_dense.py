"""A dense layer slid over a map: what a head's first layers are in the fully convolutional form.

It is the same sum as that of a convolution with the dense kernel, computed as one product of
matrices: the rows are the windows of the map, the other factor is the dense kernel as it lies in
memory. TensorFlow rearranges a convolution's kernel on the processor at every call, which for fc1
of VGG-19 (411 MB) takes longer than the sum itself; a product takes it as it is
(`benchmarks/TRIES.md`).
"""

import functools
from types import ModuleType
from typing import Any


@functools.cache
def sliding_dense(keras: ModuleType) -> Any:
    """Return the layer's class, which can only be made once Keras is imported.

    Its constructor takes `window`, the side of the map that the dense layer flattened, and what
    `keras.layers.Dense` takes. It maps (n, height, width, channels) to
    (n, height - window + 1, width - window + 1, units).
    """

    class SlidingDense(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def __init__(self, window: int, name: str, dtype: str, **config: Any) -> None:
            super().__init__(name=name, dtype=dtype)
            self.window = window
            self.dense = keras.layers.Dense(**config, name=name, dtype=dtype)

        def build(self, input_shape: tuple[int | None, ...]) -> None:
            self.dense.build((None, self.window**2 * int(input_shape[-1] or 0)))

        def call(self, maps: Any) -> Any:
            n, height, width, channels = keras.ops.shape(maps)
            rows, columns = height - self.window + 1, width - self.window + 1
            windows = maps
            if self.window > 1:
                # Row by row, as Flatten lays them out.
                offsets = [(i, j) for i in range(self.window) for j in range(self.window)]
                windows = keras.ops.concatenate(
                    [maps[:, i : i + rows, j : j + columns] for i, j in offsets], axis=-1
                )
            windows = keras.ops.reshape(windows, (n * rows * columns, self.window**2 * channels))
            return keras.ops.reshape(self.dense(windows), (n, rows, columns, self.dense.units))

        def compute_output_shape(
            self, input_shape: tuple[int | None, ...]
        ) -> tuple[int | None, ...]:
            n, *sides, _ = input_shape
            slid = (None if side is None else side - self.window + 1 for side in sides)
            return (n, *slid, self.dense.units)

    return SlidingDense
