"""The only place that knows pins, state machines, converters and buses."""
