"""Files for tests, made when they are needed."""
