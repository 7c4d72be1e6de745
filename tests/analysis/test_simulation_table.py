"""The committed table of the study."""

import pandas as pd
import pytest

from analysis.statistics.reliability import LOWEST, coverage_warning
from tests.analysis import simulation


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(simulation.TABLE)


def test_every_row_of_the_table_has_the_number_of_simulations_that_its_study_makes(table):
    expected = table["study"].map({name: number for name, (_, number) in simulation.STUDIES.items()})
    assert (table["simulations"] == expected).all()
    assert set(table["study"]) == set(simulation.STUDIES)


def test_the_table_covers_few_and_many_seeds_and_every_population(table):
    cases = " ".join(table["case"])
    assert set(simulation.SIZES) <= set(table["n"])
    assert all(population in cases for population in simulation.POPULATIONS)
    assert {"coverage", "type I error", "power"} <= {quantity.partition(":")[0] for quantity in table["quantity"]}


def test_what_the_report_says_of_bad_cells_is_in_the_table(table):
    """The warnings beside intervals quote the lowest coverage over populations of the committed study."""
    for quantity, by_n in LOWEST.items():
        rows = table[table["quantity"] == f"coverage: {quantity}"].assign(n=lambda t: t[["n", "m"]].min(axis=1))
        for n, (rate, _) in by_n.items():
            assert rows.loc[rows["n"] == n, "rate"].min() == pytest.approx(rate, abs=0.006)
            assert (coverage_warning(quantity, n) is None) == (rate >= 0.93)


@pytest.mark.study
def test_the_full_study(table):
    for part in simulation.study():
        committed = table[table["study"] == part["study"].iloc[0]].reset_index(drop=True).astype({"m": "Int64"})
        pd.testing.assert_frame_equal(part, committed, rtol=1e-3, atol=1e-3)
