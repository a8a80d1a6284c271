"""SystemVerilog around a core that feeds, stalls, checks and records at the simulator's full speed.

Python gives an order through a handful of registers, sleeps while it is carried out, and finds the
outcome in files. What is in a payload only Python knows; here it is a number of bits.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import wiring

from prunus_rtl.bus.memory_port import request_layout
from prunus_sim.cosim.probes import probe_lines
from prunus_sim.simulator.netlist import Design

__all__ = ["DOOR_FILE", "FEED_FILE", "POKE_FILE", "PORT_FILE", "RESULT_FILE", "testbench"]

#: Words for ``levels`` or ``events``.
FEED_FILE = "feed.hex"
#: Words for the memory port to write.
POKE_FILE = "poke.hex"
#: One line per output spike (``s``), per result (``r``), and what it took (``a``), as they come.
RESULT_FILE = "results.txt"
#: What the memory port has answered.
PORT_FILE = "port.txt"
#: Memories, read behind the back of the design, each after a line with its name.
DOOR_FILE = "door.txt"

_TEMPLATE = """\
// Written by prunus_sim.cosim.testbench.
module tb;
  // From Python; `order` changes last, and `done` follows it when the order is carried out.
  reg [31:0] order /*verilator public_flat_rw*/ = 0;
  reg [31:0] done /*verilator public_flat_rw*/ = 0;
  reg [3:0] what /*verilator public_flat_rw*/ = 0;
  reg [31:0] first /*verilator public_flat_rw*/ = 0;
  reg [31:0] last /*verilator public_flat_rw*/ = 0;
  reg [31:0] shows /*verilator public_flat_rw*/ = 0;
  reg [31:0] control /*verilator public_flat_rw*/ = 0;
  reg [31:0] stall /*verilator public_flat_rw*/ = 0;
  reg [31:0] seed /*verilator public_flat_rw*/ = 1;
  reg [31:0] reset_after /*verilator public_flat_rw*/ = 0;
  reg [31:0] limit /*verilator public_flat_rw*/ = 0;
  reg [31:0] space /*verilator public_flat_rw*/ = 0;
  reg [31:0] rows /*verilator public_flat_rw*/ = 0;
  reg [31:0] stride /*verilator public_flat_rw*/ = 0;
  reg [31:0] columns /*verilator public_flat_rw*/ = 0;
  // To Python.
  reg [31:0] cycles /*verilator public_flat_rw*/ = 0;
  reg [31:0] broken /*verilator public_flat_rw*/ = 0;
  reg [31:0] late /*verilator public_flat_rw*/ = 0;
  reg [31:0] overlapped /*verilator public_flat_rw*/ = 0;

  reg clk = 0;
  reg rst = 1;
  always #4 clk = ~clk;

  reg [{feed_bits}-1:0] feed__payload = 0;
  reg feed__valid = 0;
  wire feed__ready;
  reg [{control_bits}-1:0] control__payload = 0;
  reg control__valid = 0;
  wire control__ready;
  wire [{spike_bits}-1:0] spikes__payload;
  wire spikes__valid;
  reg spikes__ready = 0;
  wire [{result_bits}-1:0] result__payload;
  wire result__valid;
  reg result__ready = 0;
  reg [{request_bits}-1:0] requests__payload = 0;
  reg requests__valid = 0;
  wire requests__ready;
  wire [{answer_bits}-1:0] answers__payload;
  wire answers__valid;
  reg answers__ready = 0;

  dut dut(
    .clk(clk), .rst(rst),
    .{feed}__payload(feed__payload), .{feed}__valid(feed__valid), .{feed}__ready(feed__ready),
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

  // A number of this testbench's own, so that all simulators stall alike.
  reg [31:0] noise = 1;
  wire [31:0] noise_a = noise ^ (noise << 13);
  wire [31:0] noise_b = noise_a ^ (noise_a >> 17);
  wire feed_goes = noise[7:0] >= stall;
  wire control_goes = noise[11:4] >= stall;
  wire spikes_goes = noise[15:8] >= stall;
  wire result_goes = noise[23:16] >= stall;
  wire request_goes = noise[27:20] >= stall;
  wire answer_goes = noise[31:24] >= stall;

  reg [{feed_bits}-1:0] feed [0:{feed_depth}-1];
  reg [31:0] poke [0:{poke_depth}-1];
  integer results, door, port;
  reg show = 0;
  reg [31:0] at = 0;
  reg [31:0] to_show = 0;
  reg [31:0] to_end = 0;
  reg running = 0;
  reg [31:0] ran = 0;
  reg finished = 0;

  initial begin
    results = $fopen("{result_file}", "w");
  end

  always @(posedge clk) begin
    cycles <= cycles + 1;
    noise <= noise_b ^ (noise_b << 5);
    spikes__ready <= spikes_goes & ~rst;
    result__ready <= result_goes & ~rst;
    answers__ready <= answer_goes & ~rst;
    finished <= 0;
    if (show) begin
      noise <= seed;
      at <= first;
      to_show <= shows;
      to_end <= shows;
      running <= 1;
      ran <= 0;
    end else if (running) begin
      ran <= ran + 1;
      // Streams in.
      if (~feed__valid | feed__ready) begin
        feed__valid <= feed_goes & (at < last);
        if (feed_goes & (at < last)) begin
          feed__payload <= feed[at];
          at <= at + 1;
        end
      end
      if (~control__valid | control__ready) begin
        control__valid <= control_goes & (to_show != 0);
        control__payload <= control;
        if (control_goes & (to_show != 0)) to_show <= to_show - 1;
      end
      // Streams out.
      if (spikes__valid & spikes__ready) $fwrite(results, "s %h\\n", spikes__payload);
      if (result__valid & result__ready) begin
        $fwrite(results, "r %h\\n", result__payload);
        to_end <= to_end - 1;
      end
      if ((to_end == 0 & ~spikes__valid) | (reset_after != 0 & ran == reset_after) | ran == limit)
      begin
        finished <= 1;
        running <= 0;
        late <= to_end != 0 & ran == limit;
        feed__valid <= 0;
        control__valid <= 0;
        // An image that has been fed but not shown, or a show that nobody asked for.
        overlapped <= (at != last) | result__valid;
      end
    end
  end

  // An offer is held, unchanged, until it is taken.
  reg held_spikes = 0, held_result = 0, held_answers = 0;
  reg [{spike_bits}-1:0] was_spikes = 0;
  reg [{result_bits}-1:0] was_result = 0;
  reg [{answer_bits}-1:0] was_answers = 0;
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

{probes}

  task automatic restart;
    begin
      rst <= 1;
      repeat (3) @(posedge clk);
      rst <= 0;
      @(posedge clk);
    end
  endtask

  // Requests of the memory port, one after the other; `rows` times `columns` addresses.
  task automatic ask(input reg [{request_bits}-1:0] request);
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
      wait (order != done);
      @(posedge clk);
      case (what)
        0: restart;
        1: $readmemh("{feed_file}", feed, 0, last - 1);
        2: begin
          show <= 1;
          @(posedge clk);
          show <= 0;
          @(posedge finished);
          $fflush(results);
          if (reset_after != 0) restart;
        end
        3: begin
          port = $fopen("{port_file}", "w");
          for (i = 0; i < rows; i = i + 1)
            for (j = 0; j < columns; j = j + 1) begin
              ask({ask_read});
              $fwrite(port, "%h\\n", answers__payload);
            end
          $fclose(port);
        end
        4: begin
          $readmemh("{poke_file}", poke, 0, last - 1);
          port = $fopen("{port_file}", "w");
          k = 0;
          for (i = 0; i < rows; i = i + 1)
            for (j = 0; j < columns; j = j + 1) begin
              ask({ask_write});
              $fwrite(port, "%h\\n", answers__payload);
              k = k + 1;
            end
          $fclose(port);
        end
        5: begin
          door = $fopen("{door_file}", "w");
{door}
          $fclose(door);
        end
        default: ;
      endcase
      done = order;
    end
  end
endmodule
"""


def _bits(member: Any) -> int:
    return int(Shape.cast(member.payload.shape()).width)


def testbench(
    core: wiring.Component,
    design: Design,
    *,
    feed_depth: int,
    poke_depth: int,
    accesses: bool = False,
) -> str:
    """Return the module ``tb`` around a core.

    Parameters
    ----------
    core : prunus_rtl.core.core.Core
        The core.
    design : Design
        Its memories.
    feed_depth, poke_depth : int
        Most words of one feed, and of one write by the memory port.
    accesses : bool
        Count accesses and operations (:mod:`prunus_sim.cosim.probes`).

    Returns
    -------
    str
    """
    ports: Any = core
    feed = ports.shapes.hardware.source
    layout = request_layout(ports.shapes)
    door = []
    for name, storage in design.memories.items():
        door.append(f'          $fwrite(door, "@{name} {storage.depth}\\n");')
        door.append(
            f"          for (i = 0; i < {storage.depth}; i = i + 1) "
            f'$fwrite(door, "%h\\n", dut.{storage.path}[i]);'
        )
    # Registers that are state: the number of the presentation, the epoch of the potentials.
    for name in ("membrane.epoch", "stream_key.presentation"):
        door.append(f'          $fwrite(door, "@{name} 1\\n");')
        door.append(f'          $fwrite(door, "%h\\n", dut.{design.registers[name].path});')
    return _TEMPLATE.format(
        feed=feed,
        feed_bits=_bits(getattr(ports, feed)),
        control_bits=_bits(ports.control),
        spike_bits=_bits(ports.spikes),
        result_bits=_bits(ports.result),
        request_bits=_bits(ports.requests),
        answer_bits=_bits(ports.answers),
        feed_depth=feed_depth,
        poke_depth=poke_depth,
        result_file=RESULT_FILE,
        feed_file=FEED_FILE,
        poke_file=POKE_FILE,
        port_file=PORT_FILE,
        door_file=DOOR_FILE,
        ask_read=_request(layout, write=False),
        ask_write=_request(layout, write=True),
        door="\n".join(door),
        probes=probe_lines(ports.shapes, design) if accesses else "",
    )


def _request(layout: Any, *, write: bool) -> str:
    """Return a request as a Verilog expression: a concatenation in the order of the layout."""
    values = {
        "data": "poke[k]" if write else "32'd0",
        "address": "first + i * stride + j",
        "space": "space",
        "write": "32'd1" if write else "32'd0",
    }
    # The operand that is as wide as the whole makes the expression that wide.
    zero = f"{layout.size}'d0"
    return " | ".join(
        f"((({zero} | {values[name]}) & {layout.size}'h{(1 << field.width) - 1:x}) "
        f"<< {field.offset})"
        for name, field in layout
    )
