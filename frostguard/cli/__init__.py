"""The command line: frostguard COMMAND."""
