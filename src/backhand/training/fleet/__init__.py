"""Fleets: many trainings in one call, shared out over threads.

`train_many` is the way in, `member` declares what a member is, and `fleet` trains any number of
prepared trainings.
"""
