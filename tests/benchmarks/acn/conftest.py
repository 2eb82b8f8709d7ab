"""What lies here runs in acnportal's environment: pytest has no business importing it."""

collect_ignore_glob = ["*.py"]
