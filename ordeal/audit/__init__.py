"""The checks of a round: pure functions of what the drivers noted and what the servers have.

Each gives the problems that it found, in words; none means that the promise was kept.
"""
