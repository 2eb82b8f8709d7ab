"""REST API, server-sent events and pages. ``create_app`` builds the application, ``WebServer`` serves it."""
