"""Prefect tasks: one verb each, thin; the logic is in models/ and warehouse/."""
