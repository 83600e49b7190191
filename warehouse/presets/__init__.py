"""Presets of well-known logs, as data: one small TOML file each."""
