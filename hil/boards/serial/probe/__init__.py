"""The probe: what runs on the second Pico, which stands for the rig's electronics at the pins of the first."""
