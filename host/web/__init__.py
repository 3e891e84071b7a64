"""The service for programs: HTTP with an OpenAPI description, and server-sent events."""
