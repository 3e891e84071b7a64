"""The firmware of the dispensing rig: rules that are pure, and one cyclic executive around them."""
