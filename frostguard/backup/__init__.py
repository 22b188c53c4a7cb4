"""The whole database out into a folder that can be checked, and back into an empty one."""
