/* How the driver reaches the registers of the model; included before it. */
#ifndef BUS_H
#define BUS_H
#include <stdint.h>
uint32_t bus_read(uintptr_t at);
void bus_write(uintptr_t at, uint32_t value);
#define PRUNUS_READ(base, offset) bus_read((base) + (offset))
#define PRUNUS_WRITE(base, offset, value) bus_write((base) + (offset), (value))
#endif
