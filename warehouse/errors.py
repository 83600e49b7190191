"""Errors of the warehouse room, written for people: what was wrong, where, what to do."""


class WarehouseError(Exception):
    """Something about a log, a dataset or the store that the user can mend."""
