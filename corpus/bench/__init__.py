"""Benchmarks: ``inspect audit`` beside other programs on the same artifacts, paired and interleaved in one run.

``python -m corpus.bench [NAME...]``.  A round runs every contender once, the next round in the opposite order, so that a slow minute of the
machine falls on all of them.  A ratio is the median over the rounds of (Inspector's time / the other's time in the same round).
"""
