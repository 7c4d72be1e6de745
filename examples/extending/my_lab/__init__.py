"""Parts of seedbed from outside: a variant, a network, a task and a score."""
