"""Trained with the same settings, Stable-Baselines3's policies and ours are not told apart."""

import pytest

from analysis import statistics as st
from tests.peers import sb3


@pytest.mark.study
def test_final_returns_are_indistinguishable():
    table = sb3.study()
    p_values = [
        sb3.p_of(*(rows.loc[rows["peer"] == peer, "return"] for peer in sb3.PEERS))
        for _, rows in table.groupby("setting", sort=False)
    ]
    assert (st.holm(p_values) > 0.05).all()
