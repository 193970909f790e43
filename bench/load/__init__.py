"""A crowd on the web: a thousand streams at once, the knee, a burst, a soak, a cluster's loss."""
