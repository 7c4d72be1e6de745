"""Describe the cost of a study before it begins."""

from pathlib import Path

from analysis.numbers import steps
from analysis.run_format import has_ended
from analysis.tuning.space import in_words
from sweeps.tune.plan import GRID, Plan
from sweeps.tune.trials import FRESH, TRIALS


def env_steps(plan: Plan) -> tuple[int, int]:
    """The env steps of all trials, and of all runs on fresh seeds."""
    options = plan.options
    each = sum(plan.budget(cell.task) for cell in plan.cells)
    origins = 1 + options.presets
    return each * options.trials * options.seeds, each * origins * options.test_seeds


def cost_text(plan: Plan, directory: Path) -> str:
    """Describe the spaces, the budget, and how much of the study is done."""
    options = plan.options
    tuning, testing = env_steps(plan)
    budgets = {task: plan.budget(task) for task in plan.tasks}
    same = len(set(budgets.values())) == 1
    told = f"{next(iter(budgets.values())):,}" if same else ", ".join(f"{n:,} on {task}" for task, n in budgets.items())
    lines = [f"study in {directory}: {', '.join(plan.variants)} on {', '.join(plan.tasks)}"]
    for variant, space in plan.spaces.items():
        lines += [f"  {variant}: {key}: {in_words(distribution)}" for key, distribution in space.items()]
    seeds = plan.tuning_seeds
    how = "of a grid" if plan.content["sampler"] == GRID else f"by {options.sampler} search"
    lines.append(
        f"each variant on each task: {options.trials} trials {how}, {options.seeds} seeds each "
        f"({seeds[0]} to {seeds[-1]}), {told} env steps a seed"
    )
    if options.test_seeds:
        what = "winner and preset" if options.presets else "winner"
        fresh = plan.fresh_seeds
        lines.append(f"then each {what} on {options.test_seeds} fresh seeds ({fresh[0]} to {fresh[-1]})")
    runs = [*directory.glob(f"{TRIALS}/*/*/*"), *directory.glob(f"{FRESH}/*/*")]
    done = sum(has_ended(run) for run in runs)
    total = len(plan.cells) * (options.trials + (1 + options.presets) * (options.test_seeds > 0))
    lines.append(f"{steps(tuning)} env steps of tuning and {steps(testing)} of tests; {done} of {total} runs are done")
    return "\n".join(lines)
