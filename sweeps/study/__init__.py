"""``seedbed study``: answer a question by a study that is planned first and stops when it knows."""
