"""Old readings: out of the database into Parquet files, and read from both as if they were one."""
