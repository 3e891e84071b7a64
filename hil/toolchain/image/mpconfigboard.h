// The rig's controller: a Raspberry Pi Pico with everything left out that a dispensing rig must not or need not have.
#define MICROPY_HW_BOARD_NAME           "nanorig controller"
#define MICROPY_HW_FLASH_STORAGE_BYTES  (1408 * 1024)

// One core runs everything: flash writes are not locked against a second thread.
#define MICROPY_PY_THREAD               (0)

// Without mbedtls these have no implementation; hashlib.sha256 has its own.
#define MICROPY_PY_HASHLIB_SHA1         (0)
#define MICROPY_PY_CRYPTOLIB            (0)

// No protocols bit-banged with interrupts masked.
#define MICROPY_PY_MACHINE_BITSTREAM    (0)
#define MICROPY_PY_ONEWIRE              (0)

// State of nearly every call fits on the stack: 80 octets from the heap at each call of a large function took 0.3 ms a tick.
#define VM_MAX_STATE_ON_STACK           (32 * 4)
