"""Pages of the web: fetched politely, through the guarded client, and sent like files."""
