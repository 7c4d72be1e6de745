"""``seedbed tune``: search settings with equal budgets, train the winners on fresh seeds, and report."""
