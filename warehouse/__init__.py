"""Everything that is read from or written to disk. Knows DuckDB and Polars, not Prefect."""
