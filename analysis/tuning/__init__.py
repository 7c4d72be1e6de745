"""What tuning found: spaces, trials, curves over the number of trials, sensitivity, importance, verdicts."""
