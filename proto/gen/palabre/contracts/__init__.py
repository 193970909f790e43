"""Events and gRPC services, generated from proto/."""
