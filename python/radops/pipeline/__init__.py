"""Pipelines: functions whose results are computed once, and found again on every machine."""
