"""Prefect flows: recipes of ten to thirty lines, one file a flow."""
