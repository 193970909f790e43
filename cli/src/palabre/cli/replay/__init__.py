"""`palabre replay`: conversations rebuilt from the log, and asked again."""
