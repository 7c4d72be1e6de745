"""Commands that train, resume, reproduce, evaluate and record runs, and the format of a run's directory."""
