"""One module per family of routes; a handler takes a Call and returns an Answer."""
