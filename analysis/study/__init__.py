"""Studies: a plan that is written before the first run, tests after each group of seeds, and the report of both.

Nothing here trains: `sweeps.study` does, and asks these modules what is still undecided.
"""
