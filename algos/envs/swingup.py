"""CartPoleSwingUp-v0 and -v1: swing a pole up from hanging and balance it, on a cart driven by a continuous force."""

import math
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import DependencyNotInstalled
from numba import njit, types

from algos.envs.batched import BatchedEnv
from algos.envs.single import TaskEnv
from algos.envs.task import OBSERVE, STEP, Task

GRAVITY = 9.82  # m/s²
CART_MASS = 0.5  # kg
POLE_MASS = 0.5  # kg
TOTAL_MASS = CART_MASS + POLE_MASS
POLE_LENGTH = 0.6  # m
POLE_MOMENT = POLE_MASS * POLE_LENGTH  # kg m
FRICTION = 0.1  # N s/m
MAX_FORCE = 10.0  # N
DT = 0.01  # s
X_LIMIT = 2.4  # m


@njit(types.boolean(types.float64[::1], types.float64[::1]), cache=True)
def _advance(state: np.ndarray, action: np.ndarray) -> bool:
    """Advance (x, ẋ, θ, θ̇) by one explicit Euler step. Returns whether the cart left the track.

    ẍ = (−2 m l θ̇² sin θ + 3 m g sin θ cos θ + 4F − 4bẋ) / (4M − 3 m cos² θ),
    θ̈ = (−3 m l θ̇² sin θ cos θ + 6 M g sin θ + 6 (F − bẋ) cos θ) / (4 l M − 3 m l cos² θ).
    The pole is upright at θ = 0; m and l are its mass and length, M is the mass of cart and pole, b the friction.
    """
    x, x_dot, theta, theta_dot = state[0], state[1], state[2], state[3]
    force = MAX_FORCE * min(max(action[0], -1.0), 1.0)
    cos, sin = math.cos(theta), math.sin(theta)
    centrifugal = POLE_MOMENT * theta_dot**2 * sin
    x_acc = (-2 * centrifugal + 3 * POLE_MASS * GRAVITY * sin * cos + 4 * force - 4 * FRICTION * x_dot) / (
        4 * TOTAL_MASS - 3 * POLE_MASS * cos**2
    )
    theta_acc = (-3 * centrifugal * cos + 6 * TOTAL_MASS * GRAVITY * sin + 6 * (force - FRICTION * x_dot) * cos) / (
        4 * POLE_LENGTH * TOTAL_MASS - 3 * POLE_MOMENT * cos**2
    )
    state[0] = x + DT * x_dot
    state[1] = x_dot + DT * x_acc
    state[2] = theta + DT * theta_dot
    state[3] = theta_dot + DT * theta_acc
    return abs(state[0]) > X_LIMIT


@njit(STEP, cache=True)
def step_v0(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    terminated = _advance(state, action)
    return math.cos(state[2]), terminated


@njit(STEP, cache=True)
def step_v1(state: np.ndarray, action: np.ndarray) -> tuple[float, bool]:
    terminated = _advance(state, action)
    return (1.0 + math.cos(state[2])) / 2.0, terminated


@njit(OBSERVE, cache=True)
def observe(state: np.ndarray, obs: np.ndarray) -> None:
    obs[0] = state[0]
    obs[1] = state[1]
    obs[2] = math.cos(state[2])
    obs[3] = math.sin(state[2])
    obs[4] = state[3]


def draw_reset(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.normal([0.0, 0.0, np.pi, 0.0], 0.2, (k, 4))


_HIGH = np.array([np.inf, np.inf, 1.0, 1.0, np.inf], np.float32)
V0 = Task(
    state_size=4,
    step=step_v0,
    observe=observe,
    draw_reset=draw_reset,
    max_episode_steps=500,
    observation_space=spaces.Box(-_HIGH, _HIGH, dtype=np.float32),
    action_space=spaces.Box(-1.0, 1.0, (1,), np.float32),
)
V1 = replace(V0, step=step_v1)
TASKS = {"v0": V0, "v1": V1}


def batched(version: str, num_envs: int, max_episode_steps: int) -> BatchedEnv:
    """The batched environment, for ``gym.make_vec``."""
    return BatchedEnv(TASKS[version], num_envs, max_episode_steps)


class CartPoleSwingUpEnv(TaskEnv):
    """Swing the pole up and balance it. The observation is (x, ẋ, cos θ, sin θ, θ̇) in m, m/s and rad/s.

    An action is clipped to [−1, 1]; times 10 N it is the force on the cart. The reward is cos θ after the step in
    ``version`` v0, and (1 + cos θ)/2 in v1. An episode terminates when |x| > 2.4 m.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 100}  # noqa: RUF012

    def __init__(self, version: str, render_mode: str | None = None) -> None:
        super().__init__(TASKS[version])
        self.metadata = type(self).metadata
        self.render_mode = render_mode
        self._renderer: _Renderer | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        began = super().reset(seed=seed)
        if self.render_mode == "human":
            self.render()
        return began

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        stepped = super().step(action)
        if self.render_mode == "human":
            self.render()
        return stepped

    def render(self) -> np.ndarray | None:
        """A uint8 image ``[400, 600, 3]`` in the mode ``rgb_array``. The mode ``human`` draws to a window instead."""
        if self.render_mode is None:
            gym.logger.warn(
                'no render mode; expected: gym.make("CartPoleSwingUp-v1", render_mode="rgb_array") before render()'
            )
            return None
        if self._renderer is None:
            self._renderer = _Renderer(self.render_mode == "human", self.metadata["render_fps"])
        return self._renderer.draw(self.state[0], self.state[2])

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


class _Renderer:
    """Draws the cart, the pole and the track with pygame."""

    SIZE = (600, 400)  # pixels
    SCALE = SIZE[0] / (2 * X_LIMIT + 1.0)  # pixels per metre: half a metre beyond each end of the track
    TRACK_Y = 220
    WHITE, BLACK, GREY, WOOD, AXLE = (255, 255, 255), (0, 0, 0), (150, 150, 150), (202, 152, 101), (129, 132, 203)

    def __init__(self, window: bool, fps: int) -> None:
        try:
            import pygame
        except ImportError as error:
            raise DependencyNotInstalled('pygame is not installed; expected: pip install "seedbed[render]"') from error
        self.pygame = pygame
        self.fps = fps
        self.window = None
        if window:
            pygame.display.init()
            self.window = pygame.display.set_mode(self.SIZE)
            self.clock = pygame.time.Clock()

    def draw(self, x: float, theta: float) -> np.ndarray | None:
        draw = self.pygame.draw
        surface = self.pygame.Surface(self.SIZE)
        surface.fill(self.WHITE)
        cart_x, pole = self._pixels(x), POLE_LENGTH * self.SCALE
        tip = (cart_x + pole * math.sin(theta), self.TRACK_Y - pole * math.cos(theta))
        draw.line(surface, self.GREY, (self._pixels(-X_LIMIT), self.TRACK_Y), (self._pixels(X_LIMIT), self.TRACK_Y), 2)
        for end in (-X_LIMIT, X_LIMIT):
            draw.line(
                surface, self.GREY, (self._pixels(end), self.TRACK_Y - 8), (self._pixels(end), self.TRACK_Y + 8), 2
            )
        draw.rect(surface, self.BLACK, self.pygame.Rect(round(cart_x) - 25, self.TRACK_Y - 12, 50, 24))
        across_x, across_y = 4 * math.cos(theta), 4 * math.sin(theta)
        pole_corners = [
            (end_x + side * across_x, end_y + side * across_y)
            for side in (1, -1)
            for end_x, end_y in ((cart_x, self.TRACK_Y), tip)[::side]
        ]
        draw.polygon(surface, self.WOOD, pole_corners)
        draw.circle(surface, self.WOOD, tip, 7)
        draw.circle(surface, self.AXLE, (cart_x, self.TRACK_Y), 5)
        if self.window is None:
            return self.pygame.surfarray.array3d(surface).transpose(1, 0, 2)
        self.window.blit(surface, (0, 0))
        self.pygame.event.pump()
        self.clock.tick(self.fps)
        self.pygame.display.flip()
        return None

    def close(self) -> None:
        if self.window is not None:
            self.pygame.display.quit()

    def _pixels(self, x: float) -> float:
        return self.SIZE[0] / 2 + x * self.SCALE
