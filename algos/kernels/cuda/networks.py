"""Losses of multilayer perceptrons with their gradients on CUDA, as ``algos.kernels`` gives them on the CPU."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from algos.kernels.arguments import Setting
from algos.kernels.cuda.arguments import per_seed
from algos.kernels.cuda.gradients import CATEGORICAL, GAUSSIAN, VALUE, add_blocks, block_gradients
from algos.kernels.policy_gradient import PolicyGradient

WIDEST = 64
"""Units of a layer, and inputs, up to which a program holds all weights and their gradient."""

ROWS = 32
"""Rows of a tile."""

MAX_BLOCKS = 32
"""Blocks of a seed's rows: a power of two that fills a device with some seeds, whatever their number."""

COLUMNS = 512
"""Parameters whose blocks a program adds."""

PRECISION = "tf32x3"
"""Products on tensor cores, each of three: nearly those of float32 (relative error 2⁻²¹), where one has 2⁻¹⁰."""


def has_kernels(sizes: Sequence[int], dtype: torch.dtype) -> bool:
    """Whether there are kernels for such networks."""
    return dtype == torch.float32 and 3 <= len(sizes) <= 4 and max(sizes) <= WIDEST


class CudaMLP:
    """The losses of networks of ``sizes`` (see :func:`has_kernels`) and their gradients.

    The rows of seeds that are not ``active [S]`` are zeros in every result.
    """

    def __init__(self, sizes: Sequence[int], relu: bool) -> None:
        inputs, first, second, outputs = sizes[0], sizes[1], sizes[-2], sizes[-1]
        widths = {"D": inputs, "H1": first, "H2": second, "O": outputs}
        padded = {f"{name}_PADDED": _padded(width) for name, width in widths.items()}
        others: dict[str, Any] = {"RELU": relu, "DEEP": len(sizes) == 4, "ROWS": ROWS, "PRECISION": PRECISION}
        self._shape = widths | padded | others
        self._warps = 4 if len(sizes) == 4 else 2

    def policy_gradient(
        self,
        params: Tensor,
        obs: Tensor,
        actions: Tensor,
        old_log_probs: Tensor,
        advantages: Tensor,
        spread: float | None,
        clip_range: tuple[Setting, Setting],
        ent_coef: Setting,
        active: Tensor,
    ) -> PolicyGradient:
        """See :func:`algos.kernels.policy_gradient.policy_gradient`."""
        kind = CATEGORICAL if spread is None else GAUSSIAN
        settings = (*clip_range, ent_coef)
        data = (obs, actions, old_log_probs, advantages)
        gradient, results = self._gradient(kind, True, params, data, settings, spread or 0.0, active)
        loss, k3, log_ratio, outside = results.unbind()
        return PolicyGradient(loss, k3, log_ratio, outside, gradient)

    def error_gradient(
        self,
        params: Tensor,
        x: Tensor,
        targets: Tensor,
        old_values: Tensor | None,
        clip: Setting,
        weight: Setting,
        active: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`algos.kernels.mlp.CompiledMLP.error_gradient`."""
        clipped = old_values is not None
        data = (x, targets if old_values is None else old_values, targets, targets)
        gradient, results = self._gradient(VALUE, clipped, params, data, (clip, clip, weight), 0.0, active)
        return results[0], gradient

    def _gradient(
        self,
        kind: Any,
        clipped: bool,
        params: Tensor,
        data: Sequence[Tensor],
        settings: Sequence[Setting],
        spread: float,
        active: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The gradient ``[S, P]`` and the results ``[4, S]`` of ``add_blocks``."""
        weights = params.detach()
        num_seeds, num_params = weights.shape
        batch, device = data[0].shape[1], weights.device
        tiles = -(-batch // ROWS)
        tiles_per_block = -(-tiles // MAX_BLOCKS)
        blocks = -(-tiles // tiles_per_block)
        parts = torch.empty(num_seeds, blocks, num_params, device=device)
        figures = torch.empty(num_seeds, blocks, 8, dtype=torch.float64, device=device)
        gradient, results = torch.empty_like(weights), torch.empty(4, num_seeds, device=device)
        lows, highs, factors = (per_seed(setting, num_seeds, torch.float32, device) for setting in settings)
        block_gradients[blocks, num_seeds](
            weights, *[each.contiguous() for each in data], lows, highs, factors, active, parts, figures, num_params,
            batch, spread, TILES=tiles_per_block, KIND=kind.value, CLIPPED=clipped, **self._shape,
            num_warps=self._warps,
        )  # fmt: skip
        add_blocks[-(-num_params // COLUMNS), num_seeds](
            parts, figures, factors, active, gradient, results, num_params, batch, BLOCKS=blocks, KIND=kind.value,
            COLUMNS=COLUMNS,
        )  # fmt: skip
        return gradient, results


def _padded(width: int) -> int:
    """The width of a tile that tensor cores multiply."""
    return max(16, 1 << (width - 1).bit_length())
