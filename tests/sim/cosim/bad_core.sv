// A core for tests of core_tb.sv, whose outputs break the rules of streams as `control` says:
// 1, 2 spikes, 3, 4 result, 5, 6 answers; odd numbers withdraw an offer, even ones change it.
module dut (
  input clk, input rst,
  input [7:0] levels__payload, input levels__valid, output levels__ready,
  input [3:0] control__payload, input control__valid, output control__ready,
  output [7:0] spikes__payload, output spikes__valid, input spikes__ready,
  output [7:0] result__payload, output result__valid, input result__ready,
  input [15:0] requests__payload, input requests__valid, output requests__ready,
  output [7:0] answers__payload, output answers__valid, input answers__ready);
  reg [3:0] mode = 0;
  reg [7:0] cycle = 0;
  reg spike = 0, result = 0, answer = 0;
  assign levels__ready = 1;
  assign control__ready = ~spike & ~result;
  assign requests__ready = ~answer;
  assign spikes__valid = spike & (mode != 1 | cycle[0]);
  assign result__valid = result & (mode != 3 | cycle[0]);
  assign answers__valid = answer & (mode != 5 | cycle[0]);
  assign spikes__payload = mode == 2 ? cycle : 8'd1;
  assign result__payload = mode == 4 ? cycle : 8'd2;
  assign answers__payload = mode == 6 ? cycle : 8'd3;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (control__valid & control__ready) begin
      mode <= control__payload;
      spike <= 1;
    end
    if (spikes__valid & spikes__ready) begin
      spike <= 0;
      result <= 1;
    end
    if (result__valid & result__ready) result <= 0;
    if (requests__valid & requests__ready) answer <= 1;
    if (answers__valid & answers__ready) answer <= 0;
    if (rst) begin
      spike <= 0;
      result <= 0;
      answer <= 0;
    end
  end
endmodule
