"""The Universal Scalability Law, fitted to curves whose coefficients are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.usl import CORES, FARTHEST, Fit
from tests.measure.curves import sweep, usl

COUNTS = (1, 2, 4, 8)
rates = st.floats(1e-3, 1e9)
contentions = st.floats(0, 0.5)
coherencies = st.floats(0, 0.05)


def fitted(rate: float, contention: float, coherency: float, *, noise: float = 0.0, seed: int = 0) -> Fit:
    """A fit to windows of a known law."""
    windows = sweep(lambda threads: usl(threads, rate, contention, coherency), COUNTS, 6, noise, seed)
    return Fit([(each.threads, each.items_per_second) for each in windows])


@given(rates, contentions, coherencies)
def test_known_coefficients_are_found(rate: float, contention: float, coherency: float):
    """A curve without noise gives its three coefficients back, whatever the unit of its rate."""
    law = fitted(rate, contention, coherency).law
    assert law.rate == pytest.approx(rate, rel=1e-6)
    assert law.contention == pytest.approx(contention, abs=1e-6)
    assert law.coherency == pytest.approx(coherency, abs=1e-6)
    assert law.error < 1e-6


@given(contentions, coherencies, st.floats(0, 0.2), st.integers(0, 1000))
def test_coefficients_are_never_negative(contention: float, coherency: float, noise: float, seed: int):
    """However noisy the windows are, neither coefficient is below zero, and the rate is above it."""
    law = fitted(100.0, contention, coherency, noise=noise, seed=seed).law
    assert law.rate > 0
    assert law.contention >= 0
    assert law.coherency >= 0


def test_a_faster_than_linear_curve_is_linear():
    """A curve that rises faster than its threads has no negative contention: it is taken for a straight line."""
    law = Fit([(threads, 100.0 * threads**1.2) for threads in COUNTS]).law
    assert (law.contention, law.coherency, law.best_threads) == (0.0, 0.0, None)


def test_the_best_number_of_threads():
    """Where coherency makes the curve fall, its peak is the square root of (1 - contention) / coherency."""
    assert fitted(100.0, 0.1, 0.01).law.best_threads == pytest.approx(90**0.5, rel=1e-4)


@given(rates, contentions, coherencies, st.sampled_from(CORES))
def test_a_prediction_of_a_perfect_curve(rate: float, contention: float, coherency: float, cores: int):
    """Without noise the prediction is the law itself, in speedup and in rate, and its interval holds it."""
    prediction = fitted(rate, contention, coherency).predict(cores)
    assert prediction.speedup is not None
    assert prediction.rate is not None
    assert prediction.speedup.value == pytest.approx(usl(cores, 1.0, contention, coherency), rel=1e-3)
    assert prediction.rate.value == pytest.approx(usl(cores, rate, contention, coherency), rel=1e-3)
    assert prediction.speedup.low <= prediction.speedup.value <= prediction.speedup.high <= cores * 1.0001


@pytest.mark.parametrize(("contention", "coherency"), [(0.0, 0.0), (0.03, 0.0005), (0.1, 0.0), (0.02, 0.002)])
def test_predictions_are_as_sure_as_they_say(contention: float, coherency: float):
    """Of 200 noisy sweeps, the predictions that are given hold the truth in about 95 %, and refusing favours none."""
    held = given_ = 0
    for seed in range(200):
        prediction = fitted(100.0, contention, coherency, noise=0.01, seed=seed).predict(16)
        if prediction.speedup is not None:
            given_ += 1
            held += (
                prediction.speedup.low
                <= usl(16, 1.0, contention, coherency) * 1.0001
                <= prediction.speedup.high * 1.001
            )
    assert given_ >= 190
    assert held >= 0.93 * given_


def test_a_noisy_sweep_predicts_nothing_far():
    """Where windows are noisy, a prediction far out is refused, with what they leave open."""
    prediction = fitted(100.0, 0.03, 0.0005, noise=0.1).predict(64)
    assert (prediction.speedup, prediction.rate) == (None, None)
    assert prediction.refused.endswith("times one thread: too wide to be a figure")


def test_nothing_is_predicted_beyond_reach():
    """More than eight times the most threads measured is refused, however clean the windows are."""
    fit = fitted(100.0, 0.03, 0.0005)
    assert fit.predict(FARTHEST * 8).speedup is not None
    assert fit.predict(FARTHEST * 8 + 1).refused == "more than 8 times the 8 threads that were measured at most"
