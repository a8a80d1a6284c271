// Testbench of a core: drives its streams with random pauses, checks and records them, at the full
// speed of the simulator.
//
// Python writes the arguments of a command, then its opcode, then increments `command`. It sleeps
// until `done` is equal to `command`, and reads the outcome from files. Widths, depths, names of
// files, and what depends on the netlist of the core come from core_tb_config.svh, which
// prunus_sim.cosim.testbench writes. Payloads are only bits here.
`include "core_tb_config.svh"

module tb;
  // Written by Python.
  reg [31:0] command /*verilator public_flat_rw*/ = 0;
  reg [3:0] opcode /*verilator public_flat_rw*/ = 0;
  reg [31:0] first /*verilator public_flat_rw*/ = 0;
  reg [31:0] last /*verilator public_flat_rw*/ = 0;
  reg [31:0] presentations /*verilator public_flat_rw*/ = 0;
  reg [31:0] control /*verilator public_flat_rw*/ = 0;
  reg [31:0] pause /*verilator public_flat_rw*/ = 0;
  reg [31:0] seed /*verilator public_flat_rw*/ = 1;
  reg [31:0] reset_after /*verilator public_flat_rw*/ = 0;
  reg [31:0] limit /*verilator public_flat_rw*/ = 0;
  reg [31:0] space /*verilator public_flat_rw*/ = 0;
  reg [31:0] rows /*verilator public_flat_rw*/ = 0;
  reg [31:0] stride /*verilator public_flat_rw*/ = 0;
  reg [31:0] columns /*verilator public_flat_rw*/ = 0;
  // Injected fault that is in effect; 0 for none (prunus_sim.simulator.faults).
  reg [31:0] fault /*verilator public_flat_rw*/ = 0;
  // Read by Python.
  reg [31:0] done /*verilator public_flat_rw*/ = 0;
  reg [31:0] cycles /*verilator public_flat_rw*/ = 0;
  // Streams (spikes, result, answers) that withdrew or changed an offer.
  reg [31:0] broken /*verilator public_flat_rw*/ = 0;
  // The limit was reached before all results came.
  reg [31:0] timed_out /*verilator public_flat_rw*/ = 0;
  // Input was left over, or a result came that no presentation was started for.
  reg [31:0] unmatched /*verilator public_flat_rw*/ = 0;

  reg clk = 0;
  reg rst = 1;
  always #4 clk = ~clk;

  reg [`FEED_BITS-1:0] feed__payload = 0;
  reg feed__valid = 0;
  wire feed__ready;
  reg [`CONTROL_BITS-1:0] control__payload = 0;
  reg control__valid = 0;
  wire control__ready;
  wire [`SPIKE_BITS-1:0] spikes__payload;
  wire spikes__valid;
  reg spikes__ready = 0;
  wire [`RESULT_BITS-1:0] result__payload;
  wire result__valid;
  reg result__ready = 0;
  reg [`REQUEST_BITS-1:0] requests__payload = 0;
  reg requests__valid = 0;
  wire requests__ready;
  wire [`ANSWER_BITS-1:0] answers__payload;
  wire answers__valid;
  reg answers__ready = 0;

  dut dut(
    .clk(clk), .rst(rst),
    `FEED_PORTS,
    .control__payload(control__payload), .control__valid(control__valid),
    .control__ready(control__ready),
    .spikes__payload(spikes__payload), .spikes__valid(spikes__valid),
    .spikes__ready(spikes__ready),
    .result__payload(result__payload), .result__valid(result__valid),
    .result__ready(result__ready),
    .requests__payload(requests__payload), .requests__valid(requests__valid),
    .requests__ready(requests__ready),
    .answers__payload(answers__payload), .answers__valid(answers__valid),
    .answers__ready(answers__ready)
  );

  // A random generator of our own (xorshift32), so that all simulators pause alike.
  reg [31:0] noise = 1;
  wire [31:0] noise_a = noise ^ (noise << 13);
  wire [31:0] noise_b = noise_a ^ (noise_a >> 17);
  wire feed_goes = {24'd0, noise[7:0]} >= pause;
  wire control_goes = {24'd0, noise[11:4]} >= pause;
  wire spikes_goes = {24'd0, noise[15:8]} >= pause;
  wire result_goes = {24'd0, noise[23:16]} >= pause;
  wire request_goes = {24'd0, noise[27:20]} >= pause;
  wire answer_goes = {24'd0, noise[31:24]} >= pause;

  reg [`FEED_BITS-1:0] feed [0:`FEED_DEPTH-1];
  reg [31:0] poke [0:`POKE_DEPTH-1];
  integer results, dump, port;
  reg start = 0;
  reg [31:0] at = 0;
  reg [31:0] to_start = 0;
  reg [31:0] to_end = 0;
  reg running = 0;
  reg [31:0] ran = 0;
  reg finished = 0;

  initial begin
    results = $fopen(`RESULT_FILE, "w");
  end

  always @(posedge clk) begin
    cycles <= cycles + 1;
    noise <= noise_b ^ (noise_b << 5);
    spikes__ready <= spikes_goes & ~rst;
    result__ready <= result_goes & ~rst;
    answers__ready <= answer_goes & ~rst;
    finished <= 0;
    if (start) begin
      noise <= seed;
      at <= first;
      to_start <= presentations;
      to_end <= presentations;
      running <= 1;
      ran <= 0;
    end else if (running) begin
      ran <= ran + 1;
      // Inputs of the core.
      if (~feed__valid | feed__ready) begin
        feed__valid <= feed_goes & (at < last);
        if (feed_goes & (at < last)) begin
          feed__payload <= feed[at];
          at <= at + 1;
        end
      end
      if (~control__valid | control__ready) begin
        control__valid <= control_goes & (to_start != 0);
        control__payload <= control[`CONTROL_BITS-1:0];
        if (control_goes & (to_start != 0)) to_start <= to_start - 1;
      end
      // Outputs of the core.
      if (spikes__valid & spikes__ready) $fwrite(results, "s %h\n", spikes__payload);
      if (result__valid & result__ready) begin
        $fwrite(results, "r %h\n", result__payload);
        to_end <= to_end - 1;
      end
      if ((to_end == 0 & ~spikes__valid) | (reset_after != 0 & ran == reset_after) | ran == limit)
      begin
        finished <= 1;
        running <= 0;
        timed_out <= {31'd0, to_end != 0 & ran == limit};
        feed__valid <= 0;
        control__valid <= 0;
        unmatched <= {31'd0, (at != last) | result__valid};
      end
    end
  end

  // An offer is held, unchanged, until it is taken.
  reg held_spikes = 0, held_result = 0, held_answers = 0;
  reg [`SPIKE_BITS-1:0] was_spikes = 0;
  reg [`RESULT_BITS-1:0] was_result = 0;
  reg [`ANSWER_BITS-1:0] was_answers = 0;
  always @(posedge clk) begin
    held_spikes <= spikes__valid & ~spikes__ready & ~rst;
    held_result <= result__valid & ~result__ready & ~rst;
    held_answers <= answers__valid & ~answers__ready & ~rst;
    was_spikes <= spikes__payload;
    was_result <= result__payload;
    was_answers <= answers__payload;
    if (~rst & held_spikes & (~spikes__valid | was_spikes != spikes__payload)) broken[0] <= 1;
    if (~rst & held_result & (~result__valid | was_result != result__payload)) broken[1] <= 1;
    if (~rst & held_answers & (~answers__valid | was_answers != answers__payload)) broken[2] <= 1;
  end

  // Counts of accesses and operations; nothing if they are not counted.
  `include "core_tb_probes.svh"

  task automatic restart;
    begin
      rst <= 1;
      repeat (3) @(posedge clk);
      rst <= 0;
      @(posedge clk);
    end
  endtask

  // Send one request to the memory port, and wait until its answer is taken.
  task automatic ask(input reg [`REQUEST_BITS-1:0] request);
    begin
      while (~request_goes) @(posedge clk);
      requests__payload <= request;
      requests__valid <= 1;
      @(posedge clk);
      while (~requests__ready) @(posedge clk);
      requests__valid <= 0;
      @(posedge clk);
      while (~(answers__valid & answers__ready)) @(posedge clk);
    end
  endtask

  integer i, j, k;
  reg awake = 0;
  // Not `initial`: there Verilator takes `<=` for `=`.
  always begin
    if (~awake) begin
      restart;
      awake = 1;
    end else begin
      wait (command != done);
      @(posedge clk);
      case (opcode)
        `OPCODE_RESTART: restart;
        `OPCODE_LOAD_FEED: $readmemh(`FEED_FILE, feed, 0, last - 1);
        `OPCODE_PRESENT: begin
          start <= 1;
          @(posedge clk);
          start <= 0;
          @(posedge finished);
          $fflush(results);
          if (reset_after != 0) restart;
        end
        `OPCODE_PEEK: begin
          port = $fopen(`PORT_FILE, "w");
          for (i = 0; i < rows; i = i + 1)
            for (j = 0; j < columns; j = j + 1) begin
              ask(`REQUEST(32'd0, space, first + i * stride + j, 32'd0));
              $fwrite(port, "%h\n", answers__payload);
            end
          $fclose(port);
        end
        `OPCODE_POKE: begin
          $readmemh(`POKE_FILE, poke, 0, last - 1);
          port = $fopen(`PORT_FILE, "w");
          k = 0;
          for (i = 0; i < rows; i = i + 1)
            for (j = 0; j < columns; j = j + 1) begin
              ask(`REQUEST(32'd1, space, first + i * stride + j, poke[k]));
              $fwrite(port, "%h\n", answers__payload);
              k = k + 1;
            end
          $fclose(port);
        end
        `OPCODE_BACKDOOR: begin
          dump = $fopen(`BACKDOOR_FILE, "w");
          `BACKDOOR_DUMP
          $fclose(dump);
        end
        default: ;
      endcase
      done = command;
    end
  end
endmodule
