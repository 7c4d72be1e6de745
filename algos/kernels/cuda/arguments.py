"""Settings as the tensors that kernels read."""

from functools import lru_cache

import torch
from torch import Tensor

from algos.kernels.arguments import Setting
from algos.per_row import Rows


def per_seed(setting: Setting, num_seeds: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A setting's number in each row ``[S]``."""
    if isinstance(setting, Rows):
        rows: Tensor = setting.tensor(1, dtype, device)
        return rows
    return _repeated(float(setting), num_seeds, dtype, device)


@lru_cache(maxsize=256)
def _repeated(number: float, count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The same tensor at each call, which nobody may change."""
    return torch.full((count,), number, dtype=dtype, device=device)
