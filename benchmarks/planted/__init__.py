"""Trainings whose curves have a cause that was put there, to judge verdicts by."""
