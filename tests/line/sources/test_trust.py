from slsg_edge.line.sources.trust import QUIET, Trust


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_nothing_is_whole_before_the_first_keyframe():
    trust = Trust(lasting=False)
    assert trust.doubt(0, keyframe=False) == "no whole keyframe came yet"
    trust.keyframe(5)
    assert trust.doubt(4, keyframe=False) == "no whole keyframe came yet"
    assert trust.doubt(5, keyframe=True) is None
    assert trust.doubt(6, keyframe=False) is None


def test_damage_lasts_until_a_keyframe_that_came_after_it():
    trust = Trust(lasting=False)
    trust.keyframe(0)
    assert trust.doubt(0, keyframe=True) is None
    trust.damage("lost")
    assert trust.doubt(1, keyframe=True) == "lost"  # a keyframe from before, shown late
    trust.keyframe(9)
    assert trust.doubt(8, keyframe=False) == "lost"
    assert trust.doubt(9, keyframe=True) is None


def test_without_stamps_the_picture_itself_says_that_it_is_one():
    trust = Trust(lasting=False)
    trust.keyframe(None)
    assert trust.doubt(None, keyframe=False) is not None
    assert trust.doubt(None, keyframe=True) is None


def test_a_connection_that_is_damaged_again_is_believed_only_after_a_quiet_time():
    clock = Clock()
    trust = Trust(lasting=True, clock=clock)
    trust.damage("lost")
    clock.now += 1
    trust.damage("lost")
    trust.keyframe(1)
    assert trust.doubt(1, keyframe=True) == "lost"
    clock.now += QUIET
    trust.keyframe(2)
    assert trust.doubt(2, keyframe=True) is None


def test_one_damage_ends_with_the_next_keyframe():
    trust = Trust(lasting=True, clock=Clock())
    trust.damage("lost")
    trust.keyframe(1)
    assert trust.doubt(1, keyframe=True) is None
