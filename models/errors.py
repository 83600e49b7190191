"""Errors of the models room, written for people: what was wrong, where, what to do."""


class ModelError(Exception):
    """Something about a model, its training or its files that the user can mend."""


class NonFiniteScoresError(ModelError):
    """A model's scores hold NaN or infinity, so nothing can be ranked by them."""


class TrainingStoppedError(ModelError):
    """A training was asked to stop, and has handed its checkpoint over.

    Parameters
    ----------
    step
        Updates made.
    """

    def __init__(self, step: int) -> None:
        stopped = f"The training stopped after step {step:,}, as it was asked to"
        super().__init__(f"{stopped}; asked for again it goes on from its checkpoint.")
        self.step = step
