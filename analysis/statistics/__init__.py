"""Statistics over seeds. Every function is pure: it takes arrays and returns numbers. Random draws need a Generator.

Scores are [..., n]: the last axis holds one number per seed. Where several tasks are involved, `samples` holds one
array per stratum (task), as in Agarwal et al. 2021 (rliable).
"""

from analysis.statistics.aggregates import (
    Statistic,
    iqm,
    lower_tail,
    mean,
    median,
    optimality_gap,
    over_tasks,
    performance_profile,
)
from analysis.statistics.effects import (
    cohens_d,
    correlation,
    difference,
    difference_interval,
    hedges_g,
    hedges_g_interval,
    pooled_deviation,
    probability_interval,
    probability_of_improvement,
    probability_test,
)
from analysis.statistics.intervals import (
    AGGREGATES,
    bootstrap_interval,
    fraction_interval,
    interval_widths,
    iqm_interval,
    lower_tail_interval,
    mean_interval,
    median_interval,
    profile_interval,
    simultaneous_band,
)
from analysis.statistics.multiplicity import adjusted, all_tasks_first, equal_shares, holm
from analysis.statistics.power import (
    MOST_SEEDS_PLANNED,
    detectable_difference,
    detectable_effect,
    power_of,
    seeds_for_a_result,
    seeds_needed,
)
from analysis.statistics.published import AgainstPublished, against_published
from analysis.statistics.ranks import rank_limits, rank_table
from analysis.statistics.reliability import coverage_warning
from analysis.statistics.scalars import area_under_curve, best, final, time_to_threshold
from analysis.statistics.sequential import Looks, Sequential, first_look
from analysis.statistics.survival import kaplan_meier, kaplan_meier_band, log_rank_test, median_time
from analysis.statistics.tests import (
    difference_test,
    equivalence_test,
    permutation_test,
    resamples_for,
    smallest_p,
    t_test,
    welch_test,
)
from analysis.statistics.tolerance import tolerance_confidence, tolerance_interval, tolerance_rank

__all__ = [
    "AGGREGATES",
    "MOST_SEEDS_PLANNED",
    "AgainstPublished",
    "Looks",
    "Sequential",
    "Statistic",
    "adjusted",
    "against_published",
    "all_tasks_first",
    "area_under_curve",
    "best",
    "bootstrap_interval",
    "cohens_d",
    "correlation",
    "coverage_warning",
    "detectable_difference",
    "detectable_effect",
    "difference",
    "difference_interval",
    "difference_test",
    "equal_shares",
    "equivalence_test",
    "final",
    "first_look",
    "fraction_interval",
    "hedges_g",
    "hedges_g_interval",
    "holm",
    "interval_widths",
    "iqm",
    "iqm_interval",
    "kaplan_meier",
    "kaplan_meier_band",
    "log_rank_test",
    "lower_tail",
    "lower_tail_interval",
    "mean",
    "mean_interval",
    "median",
    "median_interval",
    "median_time",
    "optimality_gap",
    "over_tasks",
    "performance_profile",
    "permutation_test",
    "pooled_deviation",
    "power_of",
    "probability_interval",
    "probability_of_improvement",
    "probability_test",
    "profile_interval",
    "rank_limits",
    "rank_table",
    "resamples_for",
    "seeds_for_a_result",
    "seeds_needed",
    "simultaneous_band",
    "smallest_p",
    "t_test",
    "time_to_threshold",
    "tolerance_confidence",
    "tolerance_interval",
    "tolerance_rank",
    "welch_test",
]
