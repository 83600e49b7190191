"""Errors of the models room, written for people: what was wrong, where, what to do."""


class ModelError(Exception):
    """Something about a model, its training or its files that the user can mend."""


class NonFiniteScoresError(ModelError):
    """A model's scores hold NaN or infinity, so nothing can be ranked by them."""
