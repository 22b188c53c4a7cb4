"""The command `frostguard`: operates the core; daemon and API are programs of their own."""
