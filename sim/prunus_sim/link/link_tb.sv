// Testbench of a device behind a link: bytes in, bytes out, at the full speed of the simulator.
//
// Python writes the bytes for the device and a limit, then increments `command`. It sleeps until
// `done` is equal to `command`: when the device has answered, is idle, or the limit is reached.
// Between commands the simulation stands still. Sizes, the module of the device, and how it is
// connected come from link_tb_config.svh, which prunus_sim.link.testbench writes.
`include "link_tb_config.svh"

`ifdef SPI
// The host's SPI controller, mode 0: it polls without end, and drops bytes 0 behind a 0. Chip select
// is high between transfers of BURST bytes. It waits, SCK low, until a byte is taken, and within a
// frame for its next byte, as a 0 would end it.
module spi_host #(parameter DIVISOR = 8, parameter BURST = 16) (
  input clk,
  input [7:0] out_payload, input out_valid, output out_ready,
  output reg [7:0] in_payload, output reg in_valid, input in_ready,
  output reg sck, output reg cs, output reg mosi, input miso);
  localparam HIGH = DIVISOR / 2;
  localparam LOW = DIVISOR - HIGH;
  reg [31:0] wait_left = 0;
  reg [31:0] burst = 0;
  reg [3:0] bits_left = 0;
  reg [7:0] out = 0;
  reg [6:0] in = 0;
  reg zero = 1;
  reg framed = 0;
  wire [7:0] next = out_valid ? out_payload : 8'd0;
  wire [7:0] whole = {in, miso};
  wire over = wait_left == 0;
  assign out_ready =
    over & ~sck & bits_left == 0 & burst != 0 & ~in_valid & (out_valid | ~framed);
  initial begin in_payload = 0; in_valid = 0; sck = 0; cs = 1; mosi = 0; end
  always @(posedge clk) begin
    if (in_ready) in_valid <= 0;
    if (~over) wait_left <= wait_left - 1;
    else if (cs) begin
      cs <= 0;
      burst <= BURST;
    end else if (out_ready) begin
      bits_left <= 8;
      burst <= burst - 1;
      {mosi, out} <= {next, 1'b0};
      framed <= next != 0;
      wait_left <= LOW - 1;
    end else if (sck) begin
      sck <= 0;
      wait_left <= LOW - 1;
      if (bits_left == 0) wait_left <= 0;
      else {mosi, out} <= {out, 1'b0};
    end else if (bits_left != 0) begin
      sck <= 1;
      wait_left <= HIGH - 1;
      bits_left <= bits_left - 1;
      in <= whole[6:0];
      if (bits_left == 1) begin
        zero <= whole == 0;
        in_payload <= whole;
        in_valid <= ~(zero & whole == 0);
      end
    end else if (burst == 0) begin
      cs <= 1;
      wait_left <= HIGH - 1;
    end
  end
endmodule
`elsif DIVISOR
// The host's UART, for a device with serial pins: 8 data bits, no parity, 1 stop bit.
module uart_out #(parameter DIVISOR = 8) (
  input clk, input [7:0] payload, input valid, output ready, output reg pin);
  reg [31:0] wait_left = 0;
  reg [3:0] bits_left = 0;
  reg [9:0] shift = 0;
  initial pin = 1;
  assign ready = bits_left == 0;
  always @(posedge clk)
    if (bits_left == 0) begin
      if (valid) begin
        shift <= {1'b1, payload, 1'b0};
        bits_left <= 10;
        wait_left <= 0;
      end
    end else if (wait_left == 0) begin
      pin <= shift[0];
      shift <= {1'b1, shift[9:1]};
      wait_left <= DIVISOR - 1;
    end else begin
      wait_left <= wait_left - 1;
      if (wait_left == 1) bits_left <= bits_left - 1;
    end
endmodule

module uart_in #(parameter DIVISOR = 8) (
  input clk, input pin, output reg [7:0] payload, output reg valid, input ready);
  reg [31:0] wait_left = 0;
  reg [3:0] bits_left = 0;
  initial begin payload = 0; valid = 0; end
  always @(posedge clk) begin
    if (ready) valid <= 0;
    if (bits_left == 0) begin
      if (~pin) begin
        bits_left <= 10;
        wait_left <= DIVISOR / 2;
      end
    end else if (wait_left != 0) wait_left <= wait_left - 1;
    else begin
      wait_left <= DIVISOR - 1;
      bits_left <= bits_left - 1;
      // Start bit first, stop bit last; a byte without one of them is dropped.
      if (bits_left == 10 & pin) bits_left <= 0;
      if (bits_left <= 9 & bits_left >= 2) payload <= {pin, payload[7:1]};
      if (bits_left == 1) valid <= pin;
    end
  end
endmodule
`endif

module tb;
  // Written by Python; `command` last.
  reg [31:0] command /*verilator public_flat_rw*/ = 0;
  // Most cycles of a command; cycles without a byte after which a device without a presentation is
  // taken to be idle.
  reg [31:0] limit /*verilator public_flat_rw*/ = 0;
  reg [31:0] quiet /*verilator public_flat_rw*/ = 0;
  // Bytes, the first one in the low bits.
  reg [31:0] rx_count /*verilator public_flat_rw*/ = 0;
  reg [8*`RX_OCTETS-1:0] rx_octets /*verilator public_flat_rw*/ = 0;
  // Read by Python. Bytes of `rx_octets` that were taken: the last one may be offered still.
  reg [31:0] rx_at /*verilator public_flat_rw*/ = 0;
  reg [31:0] done /*verilator public_flat_rw*/ = 0;
  reg [31:0] tx_count /*verilator public_flat_rw*/ = 0;
  reg [8*`TX_OCTETS-1:0] tx_octets /*verilator public_flat_rw*/ = 0;
  // Whether a presentation runs; whether the command ended because the device is idle.
  reg presenting /*verilator public_flat_rw*/ = 0;
  reg at_rest /*verilator public_flat_rw*/ = 0;
  reg [63:0] cycles /*verilator public_flat_rw*/ = 0;

  reg clk = 0;
  reg rst = 1;
  always #4 clk = ~clk;

  reg [7:0] rx__payload = 0;
  reg rx__valid = 0;
  wire rx__ready;
  wire [7:0] tx__payload;
  wire tx__valid;
  reg tx__ready = 0;
  wire running;

`ifdef SPI
  wire sck, cs, mosi, miso, selected;
  spi_host #(`DIVISOR) host(
    .clk(clk),
    .out_payload(rx__payload), .out_valid(rx__valid), .out_ready(rx__ready),
    .in_payload(tx__payload), .in_valid(tx__valid), .in_ready(tx__ready),
    // What nobody drives is pulled up.
    .sck(sck), .cs(cs), .mosi(mosi), .miso(miso | ~selected)
  );
  `TOP dut(
    .clk(clk), .rst(rst), .sck(sck), .cs(cs), .mosi(mosi), .miso(miso), .selected(selected),
    .running(running)
  );
`elsif DIVISOR
  wire host_pin, device_pin;
  uart_out #(`DIVISOR) uart_out(clk, rx__payload, rx__valid, rx__ready, host_pin);
  uart_in #(`DIVISOR) uart_in(clk, device_pin, tx__payload, tx__valid, tx__ready);
  `TOP dut(.clk(clk), .rst(rst), .rx(host_pin), .tx(device_pin), .running(running));
`else
  `TOP dut(
    .clk(clk), .rst(rst),
    .rx__payload(rx__payload), .rx__valid(rx__valid), .rx__ready(rx__ready),
    .tx__payload(tx__payload), .tx__valid(tx__valid), .tx__ready(tx__ready),
    .running(running)
  );
`endif

  reg start = 0;
  reg active = 0;
  reg ended = 0;
  reg [31:0] idle = 0;
  reg [31:0] left = 0;
  reg begun = 0;
  reg answered = 0;
  wire fed = rx_at == rx_count & ~rx__valid;
  wire taken = tx__valid & tx__ready;

  always @(posedge clk) begin
    cycles <= cycles + 1;
    ended <= 0;
    tx__ready <= 0;
    if (start) begin
      active <= 1;
      rx_at <= 0;
      tx_count <= 0;
      idle <= 0;
      left <= limit;
      begun <= 0;
      answered <= 0;
    end else if (active) begin
      left <= left - 1;
      idle <= idle + 1;
      tx__ready <= 1;
      if (~rx__valid | rx__ready) begin
        rx__valid <= rx_at != rx_count;
        if (rx_at != rx_count) begin
          rx__payload <= rx_octets[8 * rx_at +: 8];
          rx_at <= rx_at + 1;
        end
      end
      // An answer may come at the end of a presentation, however long that was.
      if (rx__valid & rx__ready | running) idle <= 0;
      if (taken) begin
        tx_octets[8 * tx_count +: 8] <= tx__payload;
        tx_count <= tx_count + 1;
        idle <= 0;
        begun <= tx__payload != 0;
        if (begun & tx__payload == 0) answered <= 1;
      end
      // Never end in a cycle in which a byte comes, and leave room for one in the next cycle.
      if (~taken & fed & (answered | (idle >= quiet & ~running)) | left == 0 |
          tx_count >= `TX_OCTETS - 4)
      begin
        active <= 0;
        ended <= 1;
        presenting <= running;
        // At the end of a command the device may be between a presentation and its answer.
        at_rest <= ~answered & ~running & fed & idle >= quiet;
        tx__ready <= 0;
      end
    end
  end

  reg awake = 0;
  // Not `initial`: there Verilator takes `<=` for `=`.
  always begin
    if (~awake) begin
      repeat (3) @(posedge clk);
      rst <= 0;
      @(posedge clk);
      awake = 1;
    end else begin
      wait (command != done);
      @(posedge clk);
      start <= 1;
      @(posedge clk);
      start <= 0;
      @(posedge ended);
      done = command;
    end
  end
endmodule
