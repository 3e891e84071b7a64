"""How soon flow ends: by the SAFE line, by a stop frame, and when the processor hangs; judged at the pins and the tip."""
