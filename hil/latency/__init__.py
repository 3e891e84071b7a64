"""How soon flow ends: by SAFE, by a stop frame, and when the processor hangs; judged at the pins and the tip."""
