"""The activations that hidden layers may have, by the names of ``torch.nn.functional``."""

from typing import Literal, get_args

Activation = Literal[
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
]  # fmt: skip
"""PyTorch's functions of one number, with PyTorch's default settings.

Not among them: ``threshold`` has no defaults, ``prelu`` has a parameter, ``glu`` and the softmax family mix numbers.
"""

ACTIVATIONS: tuple[str, ...] = get_args(Activation)
