"""Standard normal quantiles, and row-wise exp and log for building worlds.

Source: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37
(1988), single precision variant PPND7; relative error about 1e-7, here limited by float32.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from recsim.kernels.flags import HELPER, KERNEL
from recsim.kernels.mathf import exp32, log32

F = np.float32
SPLIT = F(0.425)
SPLIT_SQUARED = F(0.180625)
FAR = F(5.0)
NEAR = F(1.6)
HALF_STEP = F(2.9802322387695312e-08)  # half of 2^-24: keeps u = 0 away from minus infinity
A0, A1, A2, A3 = F(3.3871327179), F(50.434271938), F(159.29113202), F(59.109374720)
B1, B2, B3 = F(17.895169469), F(78.757757664), F(67.187563600)
C0, C1, C2, C3 = F(1.4234372777), F(2.7568153900), F(1.3067284816), F(0.17023821103)
D1, D2 = F(0.73700164250), F(0.12021132975)
G0, G1, G2, G3 = F(6.6579051150), F(3.0812263860), F(0.42868294337), F(0.017337203997)
H1, H2 = F(0.24197894225), F(0.012258202635)
ONE = F(1.0)


@njit(**HELPER)
def quantile32(u):
    """The standard normal quantile of ``u + 2^-25``, float32 in about [-5.5, 5.5]."""
    p = u + HALF_STEP
    q = p - F(0.5)
    if abs(q) <= SPLIT:
        r = SPLIT_SQUARED - q * q
        top = ((A3 * r + A2) * r + A1) * r + A0
        return q * top / (((B3 * r + B2) * r + B1) * r + ONE)
    r = p if q < F(0.0) else (ONE - u) - HALF_STEP
    r = F(math.sqrt(-log32(max(r, HALF_STEP))))
    if r <= FAR:
        r = r - NEAR
        x = (((C3 * r + C2) * r + C1) * r + C0) / ((D2 * r + D1) * r + ONE)
    else:
        r = r - FAR
        x = (((G3 * r + G2) * r + G1) * r + G0) / ((H2 * r + H1) * r + ONE)
    return -x if q < F(0.0) else x


@njit(**KERNEL)
def quantiles(u, out):
    """``out[r] = quantile32(u[r])``; both (R,) float32."""
    for r in range(u.size):
        out[r] = quantile32(u[r])


@njit(**KERNEL)
def exp_rows(x, out):
    """``out[r] = exp32(x[r])``; both (R,) float32."""
    for r in range(x.size):
        out[r] = exp32(x[r])


@njit(**KERNEL)
def log_rows(x, out):
    """``out[r] = log32(x[r])``; both (R,) float32, x > 0."""
    for r in range(x.size):
        out[r] = log32(x[r])
