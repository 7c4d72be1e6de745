"""The committed table of simulated studies: what it promises holds, and the script gives it again."""

import numpy as np
import pandas as pd
import pytest

from tests.analysis import sequential_simulation as simulation


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(simulation.TABLE)


def test_the_table_has_every_design_population_and_case(table):
    keys = table[["variants", "tasks", "case", "population"]].drop_duplicates()
    assert len(keys) == len(table) == len(simulation.DESIGNS) * len(simulation.SHIFTS) * len(simulation.NAMES)
    expected = [simulation.DESIGNS[row.variants, row.tasks] for row in table.itertuples()]
    assert table["studies"].tolist() == expected


@pytest.mark.parametrize("rate", ["any_false", "false_better", "false_same", "missed_interval"])
def test_no_rate_of_errors_is_above_the_level_by_more_than_chance(table, rate):
    error = np.sqrt(simulation.LEVEL * (1 - simulation.LEVEL) / table["studies"])
    assert (table[rate] <= simulation.LEVEL + 3 * error).all()
    assert np.average(table[rate], weights=table["studies"]) <= simulation.LEVEL


def test_studies_of_two_variants_take_fewer_seeds_than_a_fixed_design_and_find_about_as_much(table):
    two = table[(table["variants"] == 2) & (table["tasks"] == 1)]
    assert (two["seeds"] < 0.7 * two["fixed_seeds"]).all()
    assert (two["decided"] > two["fixed_decided"] - 0.05).all()


@pytest.mark.study
def test_the_full_study(table):
    pd.testing.assert_frame_equal(simulation.study(), table, rtol=1e-3, atol=1e-3)
