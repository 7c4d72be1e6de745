"""Jobs that are composed once: every caller gets the config that Hydra composes, and a copy of its own."""

import pickle

from omegaconf import OmegaConf, open_dict

from sweeps.compose_once import compose_once
from sweeps.launching import How


def test_a_job_is_composed_once_and_every_caller_gets_its_own_copy(tmp_path):
    def use(hydra, config):
        loader, own = hydra.config_loader, ["algo=ppo", "gamma=0.9"]
        expected = loader.load_sweep_config(config, own)
        made = []
        compose = loader.load_configuration
        loader.load_configuration = lambda **arguments: made.append(arguments) or compose(**arguments)
        compose_once(loader)
        first = loader.load_sweep_config(config, own)
        with open_dict(first):
            first.hydra.job.num = 7
        assert loader.load_sweep_config(config, own) == expected
        assert OmegaConf.is_struct(loader.load_sweep_config(config, tuple(own)))
        assert len(made) == 1
        assert loader.load_sweep_config(config, ["algo=ppo"]).gamma != 0.9
        assert len(made) == 2

    How(["hydra/launcher=lockstep"], None)._with_hydra(tmp_path, use)


def test_another_process_gets_the_loader_without_what_is_remembered(tmp_path):
    def use(hydra, config):
        loader, own = hydra.config_loader, ["algo=ppo"]
        compose_once(loader)
        expected = loader.load_sweep_config(config, own)
        sent = pickle.loads(pickle.dumps(loader))
        assert sent.load_sweep_config == type(loader).load_sweep_config.__get__(sent)
        assert sent.load_sweep_config(config, own) == expected

    How(["hydra/launcher=lockstep"], None)._with_hydra(tmp_path, use)
