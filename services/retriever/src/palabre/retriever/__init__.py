"""Documents become passages; a question finds them."""
