"""``seedbed benchmark``: PPO, TRPO and NPG on eleven simulated tasks, each with one preset."""
