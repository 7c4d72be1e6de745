"""The gradients of PPO's clipped surrogate and of the critic's error on CUDA, in one pass over the samples.

Each program takes a block of one seed's rows, tile by tile, through the network, the loss and back. Activations never
reach the device's memory: a network of 64 units would move a hundred times as many bytes as its samples are.
"""

import triton
import triton.language as tl

VALUE = tl.constexpr(0)
GAUSSIAN = tl.constexpr(1)
CATEGORICAL = tl.constexpr(2)
HALF_LOG_2PI = tl.constexpr(0.9189385332046727)


@triton.jit
def _activated(z, RELU: tl.constexpr):
    """relu or tanh; a NaN stays a NaN."""
    if RELU:
        h = tl.where(z < 0, 0.0, z)
    else:
        size = tl.abs(z)
        e = tl.exp(-2.0 * size)
        far = (1.0 - e) / (1.0 + e)  # loses digits where tanh is small, and there the series does not
        square = z * z
        near = size * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0))))
        h = tl.where(size < 0.1, near, far)
        h = tl.where(z < 0, -h, h)
    return h


@triton.jit
def _times_slope(delta, h, RELU: tl.constexpr):
    """``delta`` times the derivative of the activation where its value is ``h``."""
    return tl.where(h > 0, delta, 0.0) if RELU else delta * (1.0 - h * h)


@triton.jit
def _surrogate(log_prob, old_log_prob, advantage, low, high, factor):
    """``factor`` times the slope of min(r·Â, clip(r)·Â) by log π; then objective, k3, −log r, outside or not."""
    log_ratio = log_prob - old_log_prob
    ratio = tl.exp(log_ratio)
    held = tl.where(ratio < low, low, tl.where(ratio > high, high, ratio))
    whole, clipped = ratio * advantage, held * advantage
    is_held = clipped < whole
    slope = factor * tl.where(is_held, 0.0, whole)
    outside = tl.where((ratio < low) | (ratio > high), 1.0, 0.0)
    return slope, tl.where(is_held, clipped, whole), ratio - 1.0 - log_ratio, -log_ratio, outside


@triton.jit
def _total(terms, inside):
    """The sum of a tile's terms, of the rows that exist."""
    return tl.sum(tl.where(inside, terms, 0.0), 0).to(tl.float64)


@triton.jit
def block_gradients(
    networks,  # [S, P], their parameters
    x,  # [S, B, D]
    actions,  # [S, B, O], or [S, B] of choices; of VALUE the old values [S, B]
    old_log_probs,  # [S, B]; unused of VALUE
    targets,  # [S, B], advantages; of VALUE what values should be
    lows,  # [S] each
    highs,
    weights,  # of the entropy; of VALUE those of the whole loss
    active,  # [S] bool
    parts,  # [S, blocks, P], the result
    figures,  # [S, blocks, 8], the objective, entropy, k3, −log r, whether outside, summed
    num_params,
    batch,
    spread,
    TILES: tl.constexpr,  # of a block
    KIND: tl.constexpr,
    CLIPPED: tl.constexpr,
    RELU: tl.constexpr,
    DEEP: tl.constexpr,
    D: tl.constexpr,
    H1: tl.constexpr,
    H2: tl.constexpr,  # H1 unless DEEP
    O: tl.constexpr,  # noqa: E741
    D_PADDED: tl.constexpr,
    H1_PADDED: tl.constexpr,
    H2_PADDED: tl.constexpr,
    O_PADDED: tl.constexpr,
    ROWS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """A block's share of a seed's gradient and figures, for networks of one or (``DEEP``) two hidden layers."""
    block, s = tl.program_id(0), tl.program_id(1).to(tl.int64)
    if tl.load(active + s) == 0:
        return
    own = networks + s * num_params
    k, o, r = tl.arange(0, D_PADDED), tl.arange(0, O_PADDED), tl.arange(0, ROWS)
    j1, j2 = tl.arange(0, H1_PADDED), tl.arange(0, H2_PADDED)
    second = (D + 1) * H1
    last = second
    if DEEP:
        last = second + (H1 + 1) * H2
    extra = last + (H2 + 1) * O
    w1_at, w1_there = k[:, None] * H1 + j1[None, :], (k < D)[:, None] & (j1 < H1)[None, :]
    w2_at, w2_there = second + j1[:, None] * H2 + j2[None, :], (j1 < H1)[:, None] & (j2 < H2)[None, :]
    w3_at, w3_there = last + j2[:, None] * O + o[None, :], (j2 < H2)[:, None] & (o < O)[None, :]
    b1_at, b2_at, b3_at = D * H1 + j1, second + H1 * H2 + j2, last + H2 * O + o

    w1, b1 = tl.load(own + w1_at, w1_there, 0.0), tl.load(own + b1_at, j1 < H1, 0.0)
    w3, b3 = tl.load(own + w3_at, w3_there, 0.0), tl.load(own + b3_at, o < O, 0.0)
    g_w1, g_b1 = tl.zeros((D_PADDED, H1_PADDED), tl.float32), tl.zeros((H1_PADDED,), tl.float32)
    g_w3, g_b3 = tl.zeros((H2_PADDED, O_PADDED), tl.float32), tl.zeros((O_PADDED,), tl.float32)
    if DEEP:
        w2, b2 = tl.load(own + w2_at, w2_there, 0.0), tl.load(own + b2_at, j2 < H2, 0.0)
        g_w2, g_b2 = tl.zeros((H1_PADDED, H2_PADDED), tl.float32), tl.zeros((H2_PADDED,), tl.float32)
    low, high, weight = tl.load(lows + s), tl.load(highs + s), tl.load(weights + s)
    objective, entropies = tl.zeros((), tl.float64), tl.zeros((), tl.float64)
    k3s, log_ratios, outsides = tl.zeros((), tl.float64), tl.zeros((), tl.float64), tl.zeros((), tl.float64)
    factor, bonus = -1.0 / batch, -weight / batch
    if KIND == GAUSSIAN:
        log_std = spread * tl.load(own + extra + o, o < O, 0.0)
        scale = tl.exp(-log_std)
        constant = tl.sum(tl.where(o < O, log_std + HALF_LOG_2PI, 0.0), 0)
        g_log_std = tl.zeros((O_PADDED,), tl.float32)

    for tile in range(TILES):
        rows = (block * TILES + tile) * ROWS + r
        inside = rows < batch
        at = s * batch + rows
        inputs = tl.load(x + at[:, None] * D + k[None, :], inside[:, None] & (k < D)[None, :], 0.0)
        h1 = _activated(tl.dot(inputs, w1, input_precision=PRECISION) + b1[None, :], RELU)
        h2 = _activated(tl.dot(h1, w2, input_precision=PRECISION) + b2[None, :], RELU) if DEEP else h1
        outputs = tl.dot(h2, w3, input_precision=PRECISION) + b3[None, :]
        target = tl.load(targets + at, inside, 0.0)
        exists = inside[:, None] & (o < O)[None, :]
        if KIND == VALUE:
            value = tl.sum(outputs, 1)  # of one output, beside zeros
            error = value - target
            square, slope = error * error, 2.0 * error
            if CLIPPED:
                old = tl.load(actions + at, inside, 0.0)
                change = value - old
                held = old + tl.where(change > high, high, -high) - target
                held_square = held * held
                # A held value does not move, and has no slope; a NaN in either error stays visible.
                beyond = ((change <= high) & (change >= -high)) == 0
                is_held = beyond & ((held_square <= square) == 0) & (square == square)
                square, slope = tl.where(is_held, held_square, square), tl.where(is_held, 0.0, slope)
            objective += _total(square, inside)
            delta = tl.where(exists, (slope * (weight / batch))[:, None], 0.0)
        else:
            old_log_prob = tl.load(old_log_probs + at, inside, 0.0)
            if KIND == GAUSSIAN:
                taken = tl.load(actions + at[:, None] * O + o[None, :], exists, 0.0)
                z = (taken - outputs) * scale[None, :]
                log_prob = tl.sum(tl.where(exists, -0.5 * z * z, 0.0), 1) - constant
                slope, gain, k3, log_ratio, beyond = _surrogate(log_prob, old_log_prob, target, low, high, factor)
                delta = tl.where(exists, slope[:, None] * z * scale[None, :], 0.0)
                g_log_std += tl.sum(tl.where(exists, slope[:, None] * (z * z - 1.0) + bonus, 0.0), 0)
                entropies += _total(tl.zeros((ROWS,), tl.float32) + (constant + 0.5 * O), inside)
            else:
                taken = tl.load(actions + at, inside, 0)
                logits = tl.where((o < O)[None, :], outputs, -float("inf"))
                shifted = logits - tl.max(logits, 1)[:, None]
                every = shifted - tl.log(tl.sum(tl.exp(shifted), 1))[:, None]
                probability = tl.exp(every)
                chosen = taken[:, None] == o[None, :]
                log_prob = tl.sum(tl.where(chosen, every, 0.0), 1)
                entropy = -tl.sum(tl.where((o < O)[None, :], probability * every, 0.0), 1)
                slope, gain, k3, log_ratio, beyond = _surrogate(log_prob, old_log_prob, target, low, high, factor)
                pull = slope[:, None] * (tl.where(chosen, 1.0, 0.0) - probability)
                delta = tl.where(exists, pull - bonus * probability * (every + entropy[:, None]), 0.0)
                entropies += _total(entropy, inside)
            objective += _total(gain, inside)
            k3s += _total(k3, inside)
            log_ratios += _total(log_ratio, inside)
            outsides += _total(beyond, inside)
        g_w3 += tl.dot(tl.trans(h2), delta, input_precision=PRECISION)
        g_b3 += tl.sum(delta, 0)
        delta = _times_slope(tl.dot(delta, tl.trans(w3), input_precision=PRECISION), h2, RELU)
        if DEEP:
            g_w2 += tl.dot(tl.trans(h1), delta, input_precision=PRECISION)
            g_b2 += tl.sum(delta, 0)
            delta = _times_slope(tl.dot(delta, tl.trans(w2), input_precision=PRECISION), h1, RELU)
        g_w1 += tl.dot(tl.trans(inputs), delta, input_precision=PRECISION)
        g_b1 += tl.sum(delta, 0)

    place = s * tl.num_programs(0) + block
    part = parts + place * num_params
    tl.store(part + w1_at, g_w1, w1_there)
    tl.store(part + b1_at, g_b1, j1 < H1)
    if DEEP:
        tl.store(part + w2_at, g_w2, w2_there)
        tl.store(part + b2_at, g_b2, j2 < H2)
    tl.store(part + w3_at, g_w3, w3_there)
    tl.store(part + b3_at, g_b3, o < O)
    if KIND == GAUSSIAN:
        tl.store(part + extra + o, spread * g_log_std, o < O)
    figure = figures + place * 8
    tl.store(figure, objective)
    tl.store(figure + 1, entropies)
    tl.store(figure + 2, k3s)
    tl.store(figure + 3, log_ratios)
    tl.store(figure + 4, outsides)


@triton.jit
def add_blocks(
    parts,
    figures,
    weights,
    active,
    gradient,  # [S, P], the result
    results,  # [4, S], the result: the loss, k3, −log r, the share outside; of VALUE the loss alone
    num_params,
    batch,
    BLOCKS: tl.constexpr,
    KIND: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Sums over the blocks, in their order; zeros where a seed is not active."""
    s, num_seeds = tl.program_id(1).to(tl.int64), tl.num_programs(1)
    runs = tl.load(active + s) != 0
    j = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    there = j < num_params
    total = tl.zeros((COLUMNS,), tl.float32)
    for block in range(BLOCKS):
        total += tl.load(parts + (s * BLOCKS + block) * num_params + j, there & runs, 0.0)
    tl.store(gradient + s * num_params + j, total, there)
    if tl.program_id(0) == 0:
        f = tl.arange(0, 8)
        sums = tl.zeros((8,), tl.float64)
        for block in range(BLOCKS):
            sums += tl.load(figures + (s * BLOCKS + block) * 8 + f, (f < 5) & runs, 0.0)
        means = sums / batch
        weight = tl.load(weights + s)
        objective = tl.sum(tl.where(f == 0, means, 0.0), 0)
        if KIND == VALUE:
            tl.store(results + s, (weight * objective).to(tl.float32))
        else:
            entropy = tl.sum(tl.where(f == 1, means, 0.0), 0)
            figure = tl.where(f == 1, -objective - weight * entropy, means)
            tl.store(results + (f - 1) * num_seeds + s, figure.to(tl.float32), (f >= 1) & (f < 5))
