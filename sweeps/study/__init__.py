"""``seedbed study``: plan a comparison, train until its questions are answered, and report."""
