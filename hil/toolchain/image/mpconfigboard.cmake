# The rig's controller is a Raspberry Pi Pico; flash layout and oscillator come from the SDK's board of that name.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
