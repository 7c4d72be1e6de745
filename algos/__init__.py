"""Policy-gradient variants that train many seeds in lock-step on one shared rollout/GAE core.

Every array leads with the seeds of the process. The axes, used in all shapes of this package:

=====  ==========================================================
S      seeds in this process
T      steps per rollout (``num_steps``)
N      environments per seed (``num_envs``)
B      samples of one seed's rollout, T * N
M      samples of one minibatch
A      action dimensions (Box) or choices (Discrete)
D      observation dimensions
P      parameters of one seed's network, flat
=====  ==========================================================

``obs, actions, rewards, values, log_probs, advantages, returns`` have their usual meaning; ``terminated`` and
``truncated`` are Gymnasium's; an ``iteration`` is one rollout and the updates made from it.
"""

import os

# Threads that wait must not spin: another process may need the core. OpenMP reads this once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
