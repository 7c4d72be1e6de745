"""The activations that hidden layers may have, by the names of ``torch.nn.functional``."""

from typing import Literal, get_args

Activation = Literal[
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
]  # fmt: skip
"""PyTorch's elementwise functions, with their default settings.

Left out: ``threshold`` has no defaults, ``prelu`` has a parameter, and ``glu`` and the softmax family combine numbers.
"""

ACTIVATIONS: tuple[str, ...] = get_args(Activation)
