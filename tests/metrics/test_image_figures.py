import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from slsg_edge.metrics.image_figures import (
    IMAGE_METRICS,
    MISS_RATES,
    image_figures,
    image_figures_by_kind,
)
from slsg_edge.metrics.intervals import Bootstrap
from slsg_edge.metrics.ranking import average_precision, f1_max, good_kept


def images(seed=0, levels=None):
    rng = np.random.default_rng(seed)
    kinds = ["good"] * 30 + ["hole"] * 12 + ["crack"] * 8
    scores = rng.normal([{"good": 0, "hole": 1, "crack": 2}[kind] for kind in kinds], 1)
    return (np.round(scores * levels) / levels if levels else scores), kinds


@pytest.mark.parametrize("levels", [None, 2])
def test_values_are_those_of_the_metrics_on_their_own(levels):
    scores, kinds = images(levels=levels)
    labels = np.array(kinds) != "good"
    figures = image_figures(scores, kinds, replicates=20)
    assert figures["image_auroc"].value == pytest.approx(roc_auc_score(labels, scores))
    assert figures["image_auroc_delong"].value == pytest.approx(roc_auc_score(labels, scores))
    assert figures["image_aupr"].value == pytest.approx(average_precision_score(labels, scores))
    assert figures["image_aupr"].value == pytest.approx(average_precision(scores, labels))
    assert figures["f1_max"].value == pytest.approx(f1_max(scores, labels)[0])
    kept = figures["good_kept_at_5%_missed"].value
    assert kept == pytest.approx(good_kept(scores, labels, 0.05))
    assert figures["false_alarm_rate_at_5%_missed"].value == pytest.approx(1 - kept)


@pytest.mark.parametrize("levels", [None, 2])
def test_good_kept_and_false_alarms_are_read_off_the_roc_curve_of_scikit_learn(levels):
    scores, kinds = images(levels=levels)
    labels = np.array(kinds) != "good"
    alarms, found, _ = roc_curve(labels, scores, drop_intermediate=False)
    figures = image_figures(scores, kinds, replicates=20)
    for rate in MISS_RATES:
        fewest = alarms[found >= 1 - rate - 1e-9].min()
        kept = figures[f"good_kept_at_{rate:.0%}_missed"].value
        assert kept == pytest.approx(1 - fewest)
        alarm_rate = figures[f"false_alarm_rate_at_{rate:.0%}_missed"].value
        assert alarm_rate == pytest.approx(fewest)


def test_an_interval_is_that_of_the_metrics_of_images_drawn_again():
    scores, kinds = images(levels=4)
    figures = image_figures(scores, kinds, replicates=100)
    (draws,) = Bootstrap(kinds, 100).draws()
    labels = np.array(kinds) != "good"
    drawn = [np.repeat(np.arange(50), row) for row in draws]
    for name, metric in {
        "image_auroc": lambda s, y: roc_auc_score(y, s),
        "image_aupr": lambda s, y: average_precision_score(y, s),
        "f1_max": lambda s, y: f1_max(s, y)[0],
        "good_kept_at_10%_missed": lambda s, y: good_kept(s, y, 0.1),
    }.items():
        values = [metric(scores[row], labels[row]) for row in drawn]
        low, high = np.percentile(values, [2.5, 97.5])
        assert (figures[name].low, figures[name].high) == pytest.approx((low, high)), name


def test_every_metric_has_an_interval_around_it():
    figures = image_figures(*images())
    assert set(figures) == {*IMAGE_METRICS, "image_auroc_delong"}
    for name, figure in figures.items():
        assert 0 <= figure.low <= figure.value <= figure.high <= 1, name
    assert figures["image_auroc"].low == pytest.approx(figures["image_auroc_delong"].low, abs=0.02)


def test_each_kind_is_ranked_against_all_good_images():
    scores, kinds = images()
    by_kind = image_figures_by_kind(scores, kinds, replicates=20)
    assert list(by_kind) == ["hole", "crack"]
    chosen = np.array([kind in ("good", "crack") for kind in kinds])
    labels = np.array(kinds)[chosen] == "crack"
    expected = roc_auc_score(labels, scores[chosen])
    assert by_kind["crack"]["image_auroc"].value == pytest.approx(expected)


def test_good_kept_lets_exactly_the_allowed_defects_pass():
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, *np.arange(10) / 10 + 0.15]
    labels = [False] * 5 + [True] * 10
    assert good_kept(scores, labels, 0) == pytest.approx(1 / 5)
    assert good_kept(scores, labels, 0.1) == pytest.approx(2 / 5)
    assert good_kept(scores, labels, 0.3) == pytest.approx(4 / 5)
    assert good_kept(scores, labels, 1) == 1


def test_a_good_image_at_the_score_of_a_defective_one_passes_or_fails_with_it():
    assert good_kept([0.5, 0.5, 0.1], [False, True, False], 0) == pytest.approx(0.5)


def test_without_good_images_there_are_no_figures():
    with pytest.raises(ValueError, match="0 good"):
        image_figures([0.5, 0.6], ["hole", "hole"])
    with pytest.raises(ValueError, match="not finite"):
        image_figures([0.5, np.inf], ["good", "hole"])
