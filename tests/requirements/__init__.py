"""The requirements, and which test proves which."""
