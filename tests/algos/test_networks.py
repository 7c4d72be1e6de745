"""Networks that no kernel computes, in whole runs: bytes, learning, TRPO's products, and what is refused."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from algos.core.distributions import Categorical
from algos.core.modules import ModuleNetwork
from algos.core.policy import CategoricalHead, GaussianHead, Policy
from algos.core.seeded_modules import make_modules
from algos.core.stepping import VectorStepping, make_stepping
from algos.envs.flat import observation_shape
from algos.envs.make import make_vec
from algos.rehearsal import Rehearsals
from algos.streams import stream
from sweeps import CONF
from sweeps.errors import InputError
from tests.composing import RAW, composed, median_final_return, train_rows, trainer

EXAMPLES = CONF.parent / "examples" / "extending"
FROM_OUTSIDE = f"hydra.searchpath=[file://{EXAMPLES / 'conf'}]"
SMALL = ["iterations=2", "num_envs=3"]
IMAGE = "tests.envs.user_tasks:user/Image-v0"


@pytest.fixture(autouse=True)
def my_lab(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


def rows_of_seed(rows: list[str], seed: int) -> list[str]:
    return [row for row in rows if row.split(",")[2] == str(seed)]


@pytest.mark.parametrize(
    ("overrides", "columns"),
    [
        (["env=catch", "network=conv", "algo=ppo", "num_steps=24", "algo.num_minibatches=4"], "policy_loss"),
        (
            ["env=catch", "network=conv", "algo=trpo", "num_steps=24", "algo.fisher_fraction=0.5", "algo.cg_iters=3"],
            "backtracks",
        ),
        pytest.param(
            ["env=swingup", "network=layer_norm", "algo=trpo", "num_steps=48", "algo.cg_iters=3"],
            "backtracks",
            marks=pytest.mark.slow,
        ),
        (["env=pendulum", "network=layer_norm", "algo=ppo", "num_steps=24", "env.max_episode_steps=7"], "policy_loss"),
        (["env=catch", "network=conv_shared", "critic=joint", "algo=a2c", "num_steps=16"], "policy_loss"),
        (["env=cartpole", "algo=a2c", "num_steps=24", "policy.activation=softplus", "value.activation=mish"], ""),
    ],
)
def test_rows_do_not_depend_on_what_ran_beside(tmp_path, overrides, columns):
    runs = {
        "alone": ["seed=2", "num_seeds=1", "threads=1"],
        "alone, two threads": ["seed=2", "num_seeds=1", "threads=2"],
        "among three": ["seed=0", "num_seeds=3", "threads=2"],
    }
    critic = [] if "critic=joint" in overrides else ["critic.update_epochs=3"]
    epochs = ["algo.update_epochs=3"] if "algo=ppo" in overrides else []
    rows = {}
    threads = torch.get_num_threads()
    try:
        for name, seeds in runs.items():
            (tmp_path / name).mkdir()
            rows[name] = train_rows(tmp_path / name, [FROM_OUTSIDE, *overrides, *SMALL, *critic, *epochs, *seeds])
    finally:
        torch.set_num_threads(threads)
    assert columns in rows["alone"][0]
    assert len(rows_of_seed(rows["alone"], 2)) == 2
    for name in runs:
        assert rows_of_seed(rows[name], 2) == rows_of_seed(rows["alone"], 2), name


def test_a_restored_run_goes_on_with_the_same_bytes():
    overrides = [FROM_OUTSIDE, *SMALL, "env=catch", "network=conv", "algo=ppo", "num_steps=24", "num_seeds=2"]
    overrides += ["algo.update_epochs=2", "critic.update_epochs=3"]
    whole, first, second = (trainer(*overrides) for _ in range(3))
    expected = list(whole)[-1].stats
    next(iter(first))
    second.load_state_dict(first.state_dict())
    (resumed,) = second
    for name, values in resumed.stats.items():
        np.testing.assert_array_equal(values, expected[name])


@pytest.mark.study
@pytest.mark.parametrize(("algo", "iterations"), [("ppo", 25), ("trpo", 40)])
def test_a_convolutional_network_learns_to_catch(algo, iterations):
    """A random policy has −0.7, one that never misses 1. TRPO rises from −0.4 to 0.2 between iterations 20 and 30."""
    overrides = ["critic.update_epochs=10", "num_seeds=2", "policy.channels=4", "value.channels=4", "threads=1"]
    overrides += {
        "ppo": [
            "algo.update_epochs=10",
            "algo.num_minibatches=2",
            "algo.target_kl=null",
            "algo.optimiser.learning_rate=0.003",
        ],
        "trpo": ["algo.max_kl=0.03"],
    }[algo]
    run = trainer(FROM_OUTSIDE, "env=catch", "network=conv", f"algo={algo}", f"iterations={iterations}", *overrides)
    assert median_final_return(run) > 0.2


class Residual(nn.Module):
    """Small enough for an explicit Hessian."""

    def __init__(self, num_outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.GroupNorm(1, 2)
        self.out = nn.Linear(2, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.silu(self.norm(self.conv(x))) + x
        return self.out(x.mean((2, 3)))


@pytest.mark.parametrize("head", [CategoricalHead((3,)), CategoricalHead((2, 2)), GaussianHead(2, "log_std")])
def test_fisher_products_are_hessian_products_of_kl(head):
    """Against double backprop through a plain module, as the post does it."""
    generator = torch.Generator().manual_seed(1)
    shape, seeds = (1, 4, 4), (0, 1)
    modules = make_modules(lambda: Residual(head.num_outputs), [stream(s, "policy_init") for s in seeds], shape)
    network = ModuleNetwork(modules, shape, head.num_outputs, torch.float64, "cpu")
    extra = torch.full((2, head.num_extra), -0.3, dtype=torch.float64)
    policy = Policy(network, head, torch.cat([network.initial_params, extra], dim=1), RAW)
    obs = torch.randn(2, 30, 16, dtype=torch.float64, generator=generator)
    vector = torch.randn(policy.params.shape, dtype=torch.float64, generator=generator)
    product = policy.fisher_vector_product(obs, policy.distribution(obs), vector)

    for s in seeds:
        module = Residual(head.num_outputs).double()

        def distribution(flat: Tensor, module=module, s=s):
            sizes = [p.numel() for p in module.parameters()]
            *parts, extra = flat.split([*sizes, head.num_extra])
            named = {n: v.view_as(p) for (n, p), v in zip(module.named_parameters(), parts, strict=True)}
            return head(torch.func.functional_call(module, named, (obs[s].view(-1, *shape),))[None], extra[None])

        old = distribution(policy.params[s])
        flat = policy.params[s].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(old.kl(distribution(flat)).mean(), flat, create_graph=True)
        (expected,) = torch.autograd.grad(gradient @ vector[s], flat)
        torch.testing.assert_close(product[s], expected)


class Doubled(nn.Linear):
    """Looks like the built-in network to whoever asks for its attributes only."""

    sizes, activation = (4, 2), "tanh"

    def __init__(self, observation_shape: tuple[int, ...], num_outputs: int) -> None:
        super().__init__(observation_shape[0], num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_a_module_is_never_rolled_out_by_the_compiled_loop():
    """Its own outputs decide the actions, on a task and with a head that the compiled loop knows."""
    modules = make_modules(lambda: Doubled((4,), 2), [stream(0, "policy_init")], (4,))
    network = ModuleNetwork(modules, (4,), 2, torch.float64, "cpu")
    network.sizes, network.activation = Doubled.sizes, Doubled.activation
    policy = Policy(network, CategoricalHead((2,)), network.initial_params, RAW)
    noise = np.random.default_rng(0).random((1, 20, 3, 1))
    rollouts = []
    for vectorization in ("auto", "sync"):
        stepping = make_stepping(make_vec("CartPole-v1", 3, {}, vectorization), [1, 2, 3], 1, np.float64, policy)
        assert isinstance(stepping, VectorStepping)
        rollouts.append(stepping.rollout(policy, noise))
    steps = rollouts[0]
    np.testing.assert_array_equal(steps.obs, rollouts[1].obs)
    with torch.no_grad():
        logits = modules[0](torch.from_numpy(steps.obs[0]))
    expected = Categorical(logits, (2,)).sample(torch.from_numpy(noise[0]))
    np.testing.assert_array_equal(steps.actions[0], expected.numpy())


@pytest.mark.parametrize("vectorization", ["auto", "sync", pytest.param("async", marks=pytest.mark.slow)])
def test_images_keep_their_shape(vectorization):
    """Of a batched task, and of Gymnasium's environments in this process and in workers."""
    env_id, shape = ("my_lab.catch:Catch-v0", (1, 8, 8)) if vectorization == "auto" else (IMAGE, (2, 3))
    envs = make_vec(env_id, 2, {}, vectorization)
    assert observation_shape(envs.single_observation_space) == shape
    obs, _ = envs.reset(seed=0)
    assert obs.shape == (2, np.prod(shape))
    envs.close()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["policy._target_=my_lab.networks.Nope"],
            r"policy._target_='my_lab.networks.Nope': my_lab.networks has no Nope",
        ),
        (["policy._target_=my_lab.nowhere.Net"], "policy._target_='my_lab.nowhere.Net': cannot be imported"),
        (["policy._target_=my_lab.spo.SPO"], r"policy._target_='my_lab.spo.SPO': is not a torch.nn.Module"),
        (["policy._target_=torch.nn.Linear"], "policy._target_='torch.nn.Linear': does not take observation_shape"),
        (["+policy.depth=3"], r"policy.depth=3: unknown key; expected: channels, hidden"),
        (["value.channels=many"], "value.channels='many': .*: a valid integer"),
        (["value.channels=1.5"], "value.channels=1.5: .*: a valid integer"),
        (["policy.spread=state_dependent", "policy.spread_init=1.0"], "expected: spread_init=0.0"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(overrides, message):
    with pytest.raises(InputError, match=message) as refused:
        composed(FROM_OUTSIDE, "env=catch", "network=conv", *overrides)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network=conv", "env=cartpole"], r"policy: my_lab.networks.ConvNet cannot be made: ValueError"),
        (["network=conv", "env=catch", "value.channels=0"], r"value: my_lab.networks.ConvNet "),
        (["network=layer_norm", "env=catch"], r"policy: my_lab.networks.LayerNormNet fails on observations"),
    ],
)
def test_a_module_that_does_not_fit_the_task_is_refused_before_the_first_job(overrides, message):
    with pytest.raises(ValueError, match=message) as refused:
        Rehearsals().check(composed(FROM_OUTSIDE, *overrides))
    assert "\n" not in str(refused.value)
