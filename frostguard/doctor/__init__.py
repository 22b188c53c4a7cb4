"""Whether an installation is well: checks, each a small function, run side by side within a bound."""
