"""The video workload: a video's transcript, summarised in seven stages.

What each part does stands in its own module; ``job`` puts them together under a run, and
``python -m workloads.video`` is the way in.
"""
