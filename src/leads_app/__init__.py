"""The wiring: settings, the container, the server, the command line."""
