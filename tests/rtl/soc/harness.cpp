// A core behind AXI as a model of Verilator, with the driver in C on top of it.
//
// Reads images (one byte a level) from the file of the first argument: so many to infer, then so
// many to learn. Prints, for each, what the driver reads.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vprunus_axi.h"
#include "verilated.h"

extern "C" {
#include "bus.h"
#include "prunus.h"
}

static VerilatedContext context;
static Vprunus_axi *top;

static void tick() {
  top->clk = 0;
  top->eval();
  top->clk = 1;
  top->eval();
}

static void die(const char *what, uintptr_t at) {
  std::printf("%s at %lx\n", what, (unsigned long)at);
  std::exit(1);
}

// Outputs are functions of registers: they are looked at before the edge.
extern "C" uint32_t bus_read(uintptr_t at) {
  top->s_axi_araddr = (uint16_t)at;
  top->s_axi_arvalid = 1;
  top->eval();
  while (!top->s_axi_arready) tick();
  tick();
  top->s_axi_arvalid = 0;
  top->s_axi_rready = 1;
  while (!top->s_axi_rvalid) tick();
  uint32_t found = top->s_axi_rdata;
  if (top->s_axi_rresp) die("error of a read", at);
  tick();
  top->s_axi_rready = 0;
  return found;
}

extern "C" void bus_write(uintptr_t at, uint32_t value) {
  top->s_axi_awaddr = (uint16_t)at;
  top->s_axi_awvalid = 1;
  top->s_axi_wdata = value;
  top->s_axi_wstrb = 15;
  top->s_axi_wvalid = 1;
  top->eval();
  while (!top->s_axi_awready || !top->s_axi_wready) tick();
  tick();
  top->s_axi_awvalid = 0;
  top->s_axi_wvalid = 0;
  top->s_axi_bready = 1;
  while (!top->s_axi_bvalid) tick();
  if (top->s_axi_bresp) die("error of a write", at);
  tick();
  top->s_axi_bready = 0;
}

static void check(int status, const char *what) {
  if (status < 0) {
    std::printf("%s: %d\n", what, status);
    std::exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int infer = std::atoi(argv[2]), learn = std::atoi(argv[3]);
  top = new Vprunus_axi{&context};
  top->rst = 1;
  tick();
  top->rst = 0;
  struct prunus core = {};
  core.base = 0x40000000u;
  core.patience = 1000000;
  check(prunus_open(&core), "open");
  std::printf("core %u %u %u %u %u %u %u %u %u\n", core.inputs, core.neurons, core.steps, core.views,
              core.groups, core.lanes, core.classes, core.max_spikes, core.spike_room);
  FILE *file = std::fopen(argv[1], "rb");
  std::vector<uint8_t> levels(core.inputs);
  std::vector<struct prunus_spike> spikes(core.max_spikes);
  std::vector<uint8_t> liveliest;
  int most = -1;
  for (int k = 0; k < infer + learn; k++) {
    if (std::fread(levels.data(), 1, core.inputs, file) != core.inputs) return 2;
    struct prunus_request request = {};
    request.learn = k >= infer;
    struct prunus_result r = {};
    int count;
    if (core.spike_room < core.max_spikes) {
      // The core waits until they are taken.
      check(prunus_send_image(&core, levels.data()), "send");
      check(prunus_start(&core, &request), "start");
      count = prunus_take_spikes(&core, spikes.data(), core.max_spikes);
      check(prunus_wait(&core), "wait");
      check(prunus_result(&core, &r), "result");
    } else {
      check(prunus_show(&core, levels.data(), &request, &r), "show");
      count = prunus_take_spikes(&core, spikes.data(), core.max_spikes);
    }
    check(count, "spikes");
    if (count > most) {
      most = count;
      liveliest = levels;
    }
    std::printf("image %u %u %u %u %u %u %u %u %llu %u %u", r.prediction, r.undecided, r.lead, r.steps,
                r.inhibited_steps, r.input_spikes, r.integrated_spikes, r.output_spikes,
                (unsigned long long)r.forward_sops, r.update_sops, r.pruned);
    for (int s = 0; s < count; s++) std::printf(" %u:%u", spikes[s].step, spikes[s].neuron);
    std::printf("\n");
  }
  // The image with most spikes once more: for a program that takes none, then without any.
  struct prunus_request again = {};
  struct prunus_result seen = {};
  std::printf("again %d", prunus_show(&core, liveliest.data(), &again, &seen));
  std::printf(" %d", prunus_take_spikes(&core, spikes.data(), core.max_spikes));
  prunus_wait(&core);
  again.no_spikes = 1;
  std::printf(" %d", prunus_show(&core, liveliest.data(), &again, &seen));
  std::printf(" %d %u\n", prunus_take_spikes(&core, spikes.data(), 0), seen.output_spikes);
  // What the core has learned, and a word written and read back.
  std::vector<uint32_t> words(core.neurons);
  check(prunus_read_words(&core, PRUNUS_SPACE_THETA, 0, words.data(), core.neurons), "read");
  std::printf("theta");
  for (uint32_t word : words) std::printf(" %u", word);
  words[0] = 12345;
  check(prunus_write_words(&core, PRUNUS_SPACE_THETA, 0, words.data(), 1), "write");
  check(prunus_read_words(&core, PRUNUS_SPACE_THETA, 0, words.data(), 2), "read");
  std::printf("\nwritten %u %u\n", words[0], words[1]);
  uint8_t hash[32];
  for (int k = 0; k < 32; k++) hash[k] = (uint8_t)(7 * k + 3);
  std::printf("hash %d", prunus_has_network(&core, hash));
  check(prunus_name_network(&core, hash), "name");
  std::printf(" %d", prunus_has_network(&core, hash));
  hash[31] ^= 1;
  std::printf(" %d\n", prunus_has_network(&core, hash));
  // What the driver refuses, without an access that could fail.
  std::printf("refused %d %d %d", prunus_send_event(&core, 0, 1),
              prunus_read_words(&core, 16, 0, words.data(), 1),
              prunus_read_words(&core, 0, 1u << 27, words.data(), 1));
  struct prunus_request request = {};
  check(prunus_start(&core, &request), "start");
  core.patience = 100;
  std::printf(" %d %d %d", prunus_start(&core, &request), prunus_wait(&core),
              prunus_write_words(&core, PRUNUS_SPACE_THETA, 0, words.data(), 1));
  bus_write(core.base + PRUNUS_CONTROL, PRUNUS_CONTROL_CANCEL);
  std::printf(" %d", prunus_take_spikes(&core, spikes.data(), 0));
  check(prunus_reset(&core), "reset");
  struct prunus_result r;
  std::printf(" %d %u\n", prunus_result(&core, &r), bus_read(core.base + PRUNUS_ERROR));
  return 0;
}
