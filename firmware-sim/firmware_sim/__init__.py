"""A fleet of simulated gateways."""
