"""The shared core of FrostGuard: what is true, what is said on the wire, what is stored."""
