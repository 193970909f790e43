"""The routes: thin, a file per subject."""
