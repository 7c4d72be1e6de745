"""What tuning found: spaces, trials, curves against the number of trials, sensitivity, importance, the answer."""
