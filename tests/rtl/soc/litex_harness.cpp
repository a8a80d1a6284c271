// The SoC of examples/litex as a model of Verilator; a host at the other end of its serial line
// classifies images by the driver in C, whose accesses go through LiteX's UART bridge.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vulx3s.h"
#include "verilated.h"

extern "C" {
#include "bus.h"
#include "prunus.h"
}

static const int BIT = 25;
static VerilatedContext context;
static Vulx3s *top;

static void tick() {
  top->clk25 = 0;
  top->eval();
  top->clk25 = 1;
  top->eval();
}

static void wait_cycles(int cycles) {
  for (int k = 0; k < cycles; k++) tick();
}

static void send(uint8_t octet) {
  top->serial_rx = 0;
  wait_cycles(BIT);
  for (int k = 0; k < 8; k++) {
    top->serial_rx = octet >> k & 1;
    wait_cycles(BIT);
  }
  top->serial_rx = 1;
  wait_cycles(BIT);
}

static uint8_t receive() {
  for (int k = 0; top->serial_tx; k++) {
    if (k > 100000) {
      std::printf("no answer of the bridge\n");
      std::exit(1);
    }
    tick();
  }
  wait_cycles(BIT / 2);
  int octet = 0;
  for (int k = 0; k < 8; k++) {
    wait_cycles(BIT);
    octet |= top->serial_tx << k;
  }
  wait_cycles(BIT);
  return (uint8_t)octet;
}

static void ask(uint8_t command, uintptr_t at) {
  send(command);
  send(1);
  for (int k = 3; k >= 0; k--) send((uint8_t)((at >> 2) >> 8 * k));
}

extern "C" uint32_t bus_read(uintptr_t at) {
  ask(2, at);
  uint32_t found = 0;
  for (int k = 0; k < 4; k++) found = found << 8 | receive();
  return found;
}

extern "C" void bus_write(uintptr_t at, uint32_t value) {
  ask(1, at);
  for (int k = 3; k >= 0; k--) send((uint8_t)(value >> 8 * k));
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  top = new Vulx3s{&context};
  top->serial_rx = 1;
  wait_cycles(1000);
  struct prunus core = {};
  core.base = std::strtoul(argv[1], nullptr, 0);
  core.patience = 1000;
  int status = prunus_open(&core);
  if (status) {
    std::printf("open: %d\n", status);
    return 1;
  }
  FILE *file = std::fopen(argv[2], "rb");
  std::vector<uint8_t> levels(core.inputs);
  for (int k = 0; k < std::atoi(argv[3]); k++) {
    if (std::fread(levels.data(), 1, core.inputs, file) != core.inputs) return 2;
    struct prunus_request request = {};
    struct prunus_result r = {};
    status = prunus_show(&core, levels.data(), &request, &r);
    if (status) {
      std::printf("show: %d\n", status);
      return 1;
    }
    std::printf("%u %u %u %u\n", r.prediction, r.undecided, r.lead, r.output_spikes);
  }
  return 0;
}
