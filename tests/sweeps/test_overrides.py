"""Values in Hydra's grammar: Hydra's own parser is the oracle."""

from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from sweeps.overrides import override, quoted

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12).filter(lambda text: "${" not in text)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS


def parsed(text: str) -> object:
    return OverridesParser.create().parse_override(text).value()


@given(VALUES | st.lists(VALUES, max_size=3))
@example(r"C:\runs\new")
@example("it's\\")
@example("True")
@example("inf")
@example("1e3")
def test_hydra_reads_a_value_back(value):
    assert parsed(override("a.b", value)) == value


@given(TEXTS)
@example(r"\'")
def test_a_quoted_text_stays_a_text(text):
    assert parsed(f"a={quoted(text)}") == text


def test_plain_words_have_no_quotes():
    assert override("algo.activation", "tanh") == "algo.activation=tanh"
