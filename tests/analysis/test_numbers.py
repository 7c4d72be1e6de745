import pytest

from analysis.numbers import steps


@pytest.mark.parametrize(
    ("value", "told"),
    [(12, "12.0"), (999, "999"), (999.7, "1k"), (102_400, "102k"), (999_936, "1M"), (1_234_000, "1.23M"), (3e9, "3G")],
)
def test_steps_are_shortened_to_three_digits(value, told):
    assert steps(value) == told
