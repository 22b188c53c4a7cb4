"""The servers of one machine: embedded PostgreSQL, a broker, and the supervisor that runs everything."""
