"""Ten thousand recorded conversations, rebuilt from the log and compared with the archive."""
