"""Training on a CUDA device against training on the CPU."""

import numpy as np
import pytest
import torch

from algos.core.loop import Trainer
from algos.core.stepping import VectorStepping
from tests.composing import VARIANTS, trainer

if not torch.cuda.is_available():
    pytest.skip("needs a CUDA device", allow_module_level=True)

SMALL = ("num_seeds=3", "num_envs=4", "num_steps=64", "iterations=4")
MINIBATCHED = ("algo.num_minibatches=4", "algo.update_epochs=3", "algo.ent_coef=0.01")
WHOLE = ("algo.num_minibatches=1", "algo.update_epochs=4", "algo.target_kl=0.01")
RUNS = {f"{algo} {env}": (f"algo={algo}", f"env={env}") for algo in VARIANTS for env in ("cartpole", "swingup")}
RUNS |= {f"{algo} minibatched": (f"algo={algo}", "env=cartpole", *MINIBATCHED) for algo in ("ppo", "ppo_penalty")}
SQUASHED = ("env=swingup", "policy.squash=tanh", "env.rescale_actions=true", "policy.spread=state_dependent")
RUNS |= {
    "ppo whole": ("algo=ppo", "env=swingup", *WHOLE),
    "ppo joint": ("algo=ppo_sb3", "critic=joint", "env=pendulum", "algo.num_minibatches=4", "algo.update_epochs=3"),
    "ppo clipped values": ("algo=ppo", "env=cartpole", "critic=joint", "critic.clip_coef=0.2", *MINIBATCHED),
    "ppo post": ("experiment=post/swingup_ppo", "algo.update_epochs=5", "critic.update_epochs=5"),
    "trpo post": ("experiment=post/swingup_trpo", "critic.update_epochs=5"),
    "ppo squashed": ("algo=ppo", *SQUASHED, *MINIBATCHED),
    "ppo shared": ("algo=ppo", "env=cartpole", "network=shared64x64", "critic=joint", *MINIBATCHED),
    "ppo module": ("algo=ppo", "env=cartpole", "policy.activation=elu", "value.activation=elu", *MINIBATCHED),
    "ppo wide": ("algo=ppo", "env=cartpole", "policy.hidden=[100]", "value.hidden=[70,70,70]", *MINIBATCHED),
    "ppo double": ("algo=ppo", "env=swingup", "dtype=float64", *MINIBATCHED),
    "trpo normalised": ("algo=trpo", "env=pendulum", "normalisation=running"),
}
CLOSE = {"float32": 2e-3, "float64": 1e-9}
"""Of how far the parameters moved: Adam divides by gradients, those that nearly vanish included."""


def parameters(run: Trainer) -> dict[str, np.ndarray]:
    parts = {"policy": run.policy.params, "critic": run.critic.params}
    return {name: part.detach().cpu().double().numpy().copy() for name, part in parts.items()}


@pytest.mark.parametrize("name", RUNS)
def test_an_update_is_that_of_the_cpu(name):
    moves = {}
    for device in ("cpu", "cuda"):
        run = trainer(*RUNS[name], *SMALL, f"device={device}")
        before = parameters(run)
        next(iter(run))
        moves[device] = {part: after - before[part] for part, after in parameters(run).items()}
    close = CLOSE["float64" if "double" in name else "float32"]
    for part, expected in moves["cpu"].items():
        size = np.linalg.norm(expected)
        assert size > 0
        assert np.linalg.norm(moves["cuda"][part] - expected) <= close * size


@pytest.mark.parametrize(
    "name", ["ppo minibatched", "ppo whole", "trpo swingup", "a2c cartpole", "ppo_penalty swingup"]
)
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(name):
    whole, first = (trainer(*RUNS[name], *SMALL, "device=cuda") for _ in range(2))
    expected = [iteration.stats for iteration in whole]
    for _ in range(2):
        next(iter(first))
    resumed = trainer(*RUNS[name], *SMALL, "device=cuda")
    resumed.load_state_dict(first.state_dict())
    for stats, iteration in zip(expected[2:], resumed, strict=True):
        for column, values in stats.items():
            np.testing.assert_array_equal(values, iteration.stats[column], err_msg=column)


@pytest.mark.parametrize("name", ["ppo minibatched", "ppo whole", "ppo post", "trpo swingup"])
def test_a_seed_learns_nearly_alike_alone_and_among_others(name):
    """To the last digits: with other numbers of seeds PyTorch sums in other orders."""
    moves = []
    for sizes in ((), ("seed=2", "num_seeds=1")):
        run = trainer(*RUNS[name], *SMALL, "device=cuda", *sizes)
        before = parameters(run)
        next(iter(run))
        moves.append({part: after[-1] - before[part][-1] for part, after in parameters(run).items()})
    for part, expected in moves[0].items():
        assert np.linalg.norm(moves[1][part] - expected) <= CLOSE["float32"] * np.linalg.norm(expected)


def test_a_seed_that_is_no_longer_finite_stops_and_the_others_go_on():
    run = trainer(*RUNS["ppo minibatched"], *SMALL, "device=cuda")
    next(iter(run))
    with torch.no_grad():
        run.policy.params[1, 0] = torch.nan
    *_, last = run
    assert last.running.tolist() == [True, False, True]
    assert np.isfinite(last.stats["policy_loss"][[0, 2]]).all()


def test_environments_that_are_stepped_one_by_one_are_acted_in_on_the_cpu(monkeypatch):
    run = trainer(*RUNS["ppo squashed"], *SMALL, "device=cuda")
    assert isinstance(run.collector.stepping, VectorStepping)
    assert run.policy.on_cpu().params.is_cpu
