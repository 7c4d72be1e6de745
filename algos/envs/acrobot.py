"""Acrobot-v1: two links with a torque at the joint between them (Sutton 1996), with Gymnasium's constants.

One fourth-order Runge-Kutta step per action. All numbers equal Gymnasium's, with one exception: the first observation
of an episode may differ in the last bit, because Gymnasium computes its cosines and sines in float32.
"""

import math

import numpy as np
from gymnasium import spaces
from numba import float64, njit, types

from algos.envs.arithmetic import libm_square
from algos.envs.task import OBSERVE, STEP, Task

GRAVITY = 9.8  # m/s²; links of 1 kg and 1 m
COM = 0.5  # m, from a link's joint to its centre of mass
INERTIA = 1.0  # kg m², of each link
DT = 0.2  # s
MAX_SPEED = (4 * math.pi, 9 * math.pi)  # rad/s


@njit(types.UniTuple(float64, 2)(float64, float64, float64, float64, float64), cache=True)
def _accelerations(theta1: float, theta2: float, dtheta1: float, dtheta2: float, torque: float) -> tuple[float, float]:
    """(θ̈₁, θ̈₂) in rad/s² by the equations of Sutton and Barto's book."""
    cos2, sin2 = math.cos(theta2), math.sin(theta2)
    d1 = COM**2 + (1.0 + COM**2 + 2 * COM * cos2) + INERTIA + INERTIA
    d2 = (COM**2 + COM * cos2) + INERTIA
    phi2 = COM * GRAVITY * math.cos(theta1 + theta2 - math.pi / 2)
    phi1 = (
        -COM * libm_square(dtheta2) * sin2
        - 2 * COM * dtheta2 * dtheta1 * sin2
        + (COM + 1.0) * GRAVITY * math.cos(theta1 - math.pi / 2)
        + phi2
    )
    ddtheta2 = (torque + d2 / d1 * phi1 - COM * libm_square(dtheta1) * sin2 - phi2) / (
        COM**2 + INERTIA - libm_square(d2) / d1
    )
    return -(d2 * ddtheta2 + phi1) / d1, ddtheta2


@njit(float64(float64), cache=True)
def _wrap(angle: float) -> float:
    """The angle in [-π, π]."""
    while angle > math.pi:
        angle -= 2 * math.pi
    while angle < -math.pi:
        angle += 2 * math.pi
    return angle


@njit(STEP, cache=True)
def step(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    torque = action[0] - 1.0
    a, b, da, db = state[0], state[1], state[2], state[3]
    half = DT / 2
    dda1, ddb1 = _accelerations(a, b, da, db, torque)
    da2, db2 = da + half * dda1, db + half * ddb1
    dda2, ddb2 = _accelerations(a + half * da, b + half * db, da2, db2, torque)
    da3, db3 = da + half * dda2, db + half * ddb2
    dda3, ddb3 = _accelerations(a + half * da2, b + half * db2, da3, db3, torque)
    da4, db4 = da + DT * dda3, db + DT * ddb3
    dda4, ddb4 = _accelerations(a + DT * da3, b + DT * db3, da4, db4, torque)

    sixth = DT / 6
    state[0] = _wrap(a + sixth * (da + 2 * da2 + 2 * da3 + da4))
    state[1] = _wrap(b + sixth * (db + 2 * db2 + 2 * db3 + db4))
    state[2] = min(max(da + sixth * (dda1 + 2 * dda2 + 2 * dda3 + dda4), -MAX_SPEED[0]), MAX_SPEED[0])
    state[3] = min(max(db + sixth * (ddb1 + 2 * ddb2 + 2 * ddb3 + ddb4), -MAX_SPEED[1]), MAX_SPEED[1])
    terminated = -math.cos(state[0]) - math.cos(state[1] + state[0]) > 1.0
    return (0.0 if terminated else -1.0), terminated


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = math.cos(state[0])
    obs[1] = math.sin(state[0])
    obs[2] = math.cos(state[1])
    obs[3] = math.sin(state[1])
    obs[4] = state[2]
    obs[5] = state[3]


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.uniform(-0.1, 0.1, (k, 4)).astype(np.float32).astype(np.float64)


_HIGH = np.array([1.0, 1.0, 1.0, 1.0, *MAX_SPEED], np.float32)
V1 = Task(
    state_size=4,
    step=step,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=500,
    observation_space=spaces.Box(-_HIGH, _HIGH, dtype=np.float32),
    action_space=spaces.Discrete(3),
)
