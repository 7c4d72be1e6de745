"""Studies: a plan that is written before the first run, tests after each group of seeds, and the report.

Nothing here trains. `sweeps.study` trains, and asks these modules what is still undecided.
"""
