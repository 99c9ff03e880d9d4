import numpy as np
import pytest
from scipy import stats

from lagebild.stats.multivariate import bundle, joint_cluster, joint_null_maxima, joint_statistic
from lagebild.stats.scan import cases, clusters, null_maxima, prepare, statistic
from lagebild.stats.zones import hexagon_disks


@pytest.fixture(scope="module")
def family(quarter):
    return hexagon_disks(quarter, 3)


def _stream(family, rng, number=200, extra=0):
    place = [*rng.integers(0, 37, number), *[3] * extra]
    age = [*rng.integers(0, 365, number), *rng.integers(0, 7, extra)]
    return prepare(cases(place, age), family)


def test_one_stream_alone_is_the_ordinary_scan(family, rng):
    stream = _stream(family, rng, extra=8)
    joint = joint_cluster(bundle([stream]))
    single = clusters(stream, most=1)[0]
    assert joint_statistic(bundle([stream])) == pytest.approx(statistic(stream))
    assert (joint.places, joint.days) == (single.places, single.days)
    assert joint.parts == ((0, single.count, pytest.approx(single.expected), pytest.approx(single.llr)),)


def test_the_order_of_the_streams_does_not_matter(family, rng):
    streams = [_stream(family, rng, extra=extra) for extra in (0, 3, 5)]
    assert joint_statistic(bundle(streams)) == pytest.approx(joint_statistic(bundle(streams[::-1])))


def test_little_in_each_of_three_streams_is_seen_only_together(family):
    rng = np.random.default_rng(8)
    streams = [_stream(family, rng, extra=2) for _ in range(3)]
    together = bundle(streams)
    null = joint_null_maxima(together, 199, rng)
    assert np.count_nonzero(null >= joint_statistic(together)) == 0
    for stream in streams:
        assert np.count_nonzero(null_maxima(stream, 199, rng) >= statistic(stream)) >= 2
    found = joint_cluster(together)
    assert 3 in found.places
    assert len(found.parts) == 3


def test_p_values_are_uniform_where_nothing_happens(family):
    rng = np.random.default_rng(21)
    ranks = []
    for _ in range(200):
        together = bundle([_stream(family, rng) for _ in range(3)])
        ranks.append(np.count_nonzero(joint_null_maxima(together, 39, rng) >= joint_statistic(together)))
    p = (1 + np.array(ranks)) / 40
    for level in (0.1, 0.5):
        assert stats.binomtest(int((p <= level).sum()), 200, level).pvalue > 0.001


def test_streams_without_cases_and_without_excess_say_nothing(family):
    empty = prepare(cases([], []), family)
    assert joint_cluster(bundle([empty, empty])) is None
    assert joint_statistic(bundle([empty])) == 0.0


def test_what_does_not_belong_together_is_refused(family, quarter, rng):
    with pytest.raises(ValueError, match="no stream"):
        bundle([])
    with pytest.raises(ValueError, match="families or windows"):
        bundle([_stream(family, rng), _stream(hexagon_disks(quarter, 1), rng)])
    with pytest.raises(ValueError, match="least"):
        bundle([_stream(family, rng), prepare(cases([1], [0]), family, least=3)])
