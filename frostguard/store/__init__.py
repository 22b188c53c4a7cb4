"""PostgreSQL: one module per table family, SQL beside the function that runs it; the only importer of asyncpg."""
