"""Steps that are recorded on a CUDA device and replayed: small minibatches take the device less time than Python."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from algos.core.batches import Batch
from algos.core.network import Network
from algos.core.optimiser import Optimiser
from algos.parts import is_ours

T = TypeVar("T")


class Step(NamedTuple):
    """What a gradient step says, ``[S]`` each."""

    active: Tensor  # the seeds that the next step is for
    stepping: Tensor  # those that made this one
    figures: dict[str, Tensor]


def can_record(optimiser: Optimiser, *networks: Network) -> bool:
    """Whether gradient steps of these are on a CUDA device, and never wait for it: a recording cannot."""
    compiled = all(network.compiled is not None for network in networks)
    return compiled and is_ours(type(optimiser).__module__) and all(param.is_cuda for param in optimiser.params)


class RecordedSteps:
    """Makes the steps ``step(batch, active)`` of an update, of which the second is recorded and then replayed.

    All batches must have one shape, and numbers that are no tensors must not change within the update. The first step
    is made as it is: what is compiled or kept for later is there before the recording, which may do neither.
    """

    def __init__(self, step: Callable[[Batch, Tensor], Step]) -> None:
        self._step = step
        self._inputs: tuple[_Held, Tensor] | None = None
        self._recording: tuple[torch.cuda.CUDAGraph, tuple[Step, Tensor]] | None = None

    def __call__(self, batch: Batch, active: Tensor) -> Step:
        if self._inputs is None:
            self._inputs, self._active = (_Held(batch), active.clone()), active
            return self._told(*self._make(), active)
        held, mask = self._inputs
        held.hold(batch)
        if active is not self._active:
            mask.copy_(active)
            self._active = active
        if self._recording is None:
            self._recording = _record(self._make)
        graph, (said, figures) = self._recording
        graph.replay()
        return self._told(said, figures.clone(), active)

    def _make(self) -> tuple[Step, Tensor]:
        """A step with the inputs at their place in memory, and its figures in one tensor."""
        assert self._inputs is not None
        said = self._step(*self._inputs)
        return said, torch.stack([figure.detach() for figure in said.figures.values()])

    def _told(self, said: Step, figures: Tensor, active: Tensor) -> Step:
        """What a step said, in memory that the next replay leaves alone."""
        assert self._inputs is not None
        mask = self._inputs[1]
        going_on, stepping = (active if each is mask else each.clone() for each in (said.active, said.stepping))
        return Step(going_on, stepping, dict(zip(said.figures, figures.unbind(), strict=True)))


class _Held(Batch):
    """A batch whose fields stay at their place in memory, whichever batch it holds; those that are asked for."""

    _source: Batch
    _fields: dict[str, Tensor]

    def __init__(self, batch: Batch) -> None:
        vars(self).update(_source=batch, _fields={})

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):
            raise AttributeError(name)
        field = vars(self)[name] = self._fields[name] = getattr(self._source, name).clone()
        return field

    def hold(self, batch: Batch) -> None:
        """Take over the fields of another batch."""
        if batch is not self._source:
            vars(self)["_source"] = batch
            for name, field in self._fields.items():
                field.copy_(getattr(batch, name))


def _record(work: Callable[[], T]) -> tuple[torch.cuda.CUDAGraph, T]:
    """What ``work`` has the device do, as a graph that is not replayed yet; what it returns, which a replay fills.

    ``torch.cuda.graph`` would do the same, and collect garbage first, for as long as an update takes.
    """
    graph, stream, device = torch.cuda.CUDAGraph(), torch.cuda.Stream(), torch.cuda.current_device()
    pool = (_FIRST[device].pool(),) if device in _FIRST else ()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        graph.capture_begin(*pool)
        try:
            said = work()
        finally:
            graph.capture_end()
    torch.cuda.current_stream().wait_stream(stream)
    _FIRST.setdefault(device, graph)
    return graph, said


_FIRST: dict[int, torch.cuda.CUDAGraph] = {}
"""The first recording on each device: it keeps the memory of all, of which one is replayed before the next is made."""
