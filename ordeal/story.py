"""What happens in a round, in which order: one story that always tells everything, and others that chance makes up."""

# The longest that a Region is cut off, so that the log no longer reaches back (LOG_CHANGES_MAX).
LONG_CUT_S = 14


def everything(faults):
    """The story of a first round, about a minute and a half long: every fault once. The seed decides who is hit."""
    faults.usual(8)
    faults.cut_pair(5)
    faults.bad_roads(8)
    faults.kill(down_s=2, up_s=4)
    faults.cut_one_way(5)
    faults.freeze(4)
    faults.kill_again_and_again(3)
    faults.outlast_the_log(LONG_CUT_S)
    faults.clocks(5)
    faults.kill(down_s=2, up_s=4, count=2)
    faults.kill_while_cut(6)
    faults.lose_a_member(3)
    faults.narrow_roads(6)
    faults.wrong_clock(4)
    faults.usual(3)


def made_up(faults, seconds):
    """Faults one after the other, as chance has it, until about `seconds` are over."""
    chance = faults.chance
    kit = [
        lambda: faults.usual(chance.uniform(1, 4)),
        lambda: faults.cut_pair(chance.uniform(1, 8)),
        lambda: faults.cut_one_way(chance.uniform(1, 8)),
        lambda: faults.isolate(chance.choice((2, 6, LONG_CUT_S))),
        lambda: faults.bad_roads(chance.uniform(3, 8)),
        lambda: faults.narrow_roads(chance.uniform(3, 8)),
        lambda: faults.kill(chance.uniform(1, 4), chance.uniform(1, 4), count=chance.choice((1, 1, 2, 3))),
        lambda: faults.kill_again_and_again(chance.randrange(2, 5)),
        lambda: faults.kill_while_cut(chance.uniform(2, 8)),
        lambda: faults.freeze(chance.uniform(1, 8)),
        lambda: faults.clocks(chance.uniform(2, 8)),
        lambda: faults.wrong_clock(chance.uniform(1, 4)),
    ]
    ends = faults.round.clock() + seconds
    faults.lose_a_member(chance.uniform(1, 4))
    while faults.round.clock() < ends:
        chance.choice(kit)()
