"""Record trained policies as GIFs and videos."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gymnasium as gym
import numba
import numpy as np
import torch
from gymnasium import spaces
from PIL import Image

from algos.config import EnvConfig
from algos.core.policy import Policy
from algos.core.stepping import action_transform
from algos.envs.make import make_rendered
from algos.streams import seed_sequence, stream
from sweeps.errors import InputError
from sweeps.trained import failed_seeds, load_agents

FRAMES_PER_SECOND = 25.0
WIDTH = 300  # pixels
COLOURS = 16
LONGEST = 1000


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread; for a single environment more threads cost more than they save."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])


def make_environment(config: EnvConfig) -> gym.Env:
    """Make one environment of the task that renders to arrays, without a display.

    Raises:
        TaskError: The task cannot be made, or does not render.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")
    return make_rendered(
        config.id,
        config.kwargs,
        config.vectorization,
        config.module,
        config.max_episode_steps,
        config.rescale_actions,
    )


def frames(env: gym.Env, policy: Policy, seed: int, num_steps: int | None, every: int) -> Iterator[Image.Image]:
    """Play ``num_steps`` steps and yield an image of every ``every``-th; actions are sampled as in training.

    Without ``num_steps`` the play ends with the first episode, or after ``LONGEST`` steps.
    """
    rng = stream(seed, "recording")
    to_env = action_transform(env.action_space, policy.head)
    continuous = isinstance(env.action_space, spaces.Box)
    num_actions = int(np.prod(env.action_space.shape or (1,)))
    dtype = policy.params.detach().numpy().dtype
    obs, _ = env.reset(seed=int(seed_sequence(seed, "recording", 0).generate_state(1)[0]))
    for step in range(num_steps or LONGEST):
        noise = rng.standard_normal((1, 1, num_actions)) if continuous else rng.random((1, 1, num_actions))
        action = policy.act(np.asarray(obs, dtype)[None, None], noise.astype(dtype))
        obs, _, terminated, truncated, _ = env.step(to_env(action[0])[0])
        if step % every == 0:
            image = Image.fromarray(np.asarray(env.render()))
            yield image.resize((WIDTH, round(WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
        if terminated or truncated:
            if num_steps is None:
                return
            obs, _ = env.reset()


def write_gif(images: Iterable[Image.Image], path: Path, frames_per_second: float) -> int:
    """Write a GIF that repeats for ever; return its number of images."""
    all_images = list(images)
    palette = all_images[0].quantize(COLOURS, dither=Image.Dither.NONE)
    indexed = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in all_images]
    duration = 10 * round(100 / frames_per_second)  # the format counts in hundredths of a second
    indexed[0].save(path, save_all=True, append_images=indexed[1:], duration=duration, loop=0, optimize=True)
    return len(indexed)


def find_encoder() -> str:
    """The path of a program that encodes MP4.

    Raises:
        InputError: There is none.
    """
    if (program := shutil.which("ffmpeg")) is not None:
        return program
    try:
        import imageio_ffmpeg  # type: ignore[import-not-found]

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise InputError(
            "--out: MP4 needs ffmpeg, or: pip install imageio-ffmpeg; expected: one of them, or a name in .gif"
        ) from None


def write_mp4(images: Iterable[Image.Image], path: Path, frames_per_second: float) -> int:
    """Write an MP4; return its number of images."""
    all_images = list(images)
    width, height = (side - side % 2 for side in all_images[0].size)  # the codec takes even sides only
    command = [find_encoder(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", f"{frames_per_second:g}", "-i", "-", "-pix_fmt", "yuv420p", str(path)]
    content = b"".join(image.crop((0, 0, width, height)).tobytes() for image in all_images)
    subprocess.run(command, input=content, check=True)
    return len(all_images)


WRITERS = {".gif": write_gif, ".mp4": write_mp4}


def record(directory: Path, seed: int, num_steps: int | None, path: Path) -> int:
    """Play the policy of one seed of a run and write it as a GIF or a video, at the task's own speed.

    Without ``num_steps`` it plays one episode.

    Returns:
        The number of images.

    Raises:
        InputError: There is no such run or seed, the seed failed, or such a file cannot be written.
        TaskError: The task does not render.
    """
    if path.suffix not in WRITERS:
        raise InputError(f"--out {path}: expected: a name in {' or '.join(WRITERS)}")
    if path.suffix == ".mp4":
        find_encoder()
    config, policy, _ = load_agents(directory, range(seed, seed + 1))
    if seed in failed_seeds(directory):
        raise InputError(f"--seed {seed}: failed in training; expected: a seed that did not fail")
    env = make_environment(config.env)
    fps = float(env.metadata.get("render_fps") or FRAMES_PER_SECOND)
    every = max(1, round(fps / FRAMES_PER_SECOND))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with one_thread():
            return WRITERS[path.suffix](frames(env, policy, seed, num_steps, every), path, fps / every)
    finally:
        env.close()
