"""`palabre eval`: how well questions find their documents, and how sure that figure is."""
