"""What a fault of a provider costs a person who waits for an answer."""
