"""What every command does first, done once in the process that commands of the tests fork from."""

import gc

import optuna.storages.journal
import optuna.trial  # noqa: F401

import sweeps.study.report
import sweeps.study.tuning
import sweeps.tune.check
import sweeps.tune.grid
import sweeps.tune.optuna_search
import sweeps.tune.report
import sweeps.tune.study  # noqa: F401
from tests.composing import composed

composed()
gc.collect()
gc.freeze()
