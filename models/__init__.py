"""Everything that learns or judges learning. Knows torch, not Prefect, not DuckDB."""
