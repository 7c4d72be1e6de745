"""``seedbed published``: train the presets and compare them with published results."""
