// SPDX-License-Identifier: Apache-2.0
// The tree of calls as clients of early geth versions know it: gas is told of frames that ran code, and a failure
// that no instruction announced is an "internal failure".
{
  // frames that run, the outermost first
  open: [],
  root: {calls: []},

  setup: function () {
    this.open = [this.root];
  },

  top: function () {
    return this.open[this.open.length - 1];
  },

  step: function (log, db) {
    this.top().ran = true;
    if (log.getError() !== undefined) this.fault(log, db);
  },

  fault: function (log) {
    if (this.top().failure === undefined) this.top().failure = log.getError();
  },

  enter: function (frame) {
    var type = frame.getType();
    var call = {type: type, from: toHex(frame.getFrom()), to: toHex(frame.getTo()), input: toHex(frame.getInput())};
    if (frame.getValue() !== undefined) call.value = '0x' + frame.getValue().toString(16);
    this.open.push({call: call, gas: frame.getGas(), calls: []});
  },

  exit: function (result) {
    var frame = this.open.pop();
    var call = frame.call;
    var calls = call.type !== 'SELFDESTRUCT' && call.type.indexOf('CREATE') !== 0;
    if (calls && isPrecompiled(toAddress(call.to))) return;
    if (frame.ran) {
      call.gas = '0x' + frame.gas.toString(16);
      call.gasUsed = '0x' + result.getGasUsed().toString(16);
    }
    if (result.getError() !== undefined) {
      call.error = frame.failure === undefined ? 'internal failure' : frame.failure;
      if (!calls) delete call.to;
    } else if (frame.ran) {
      call.output = toHex(result.getOutput());
    }
    if (frame.calls.length > 0) call.calls = frame.calls;
    this.top().calls.push(call);
  },

  result: function (ctx) {
    var call = {
      type: ctx.type, from: toHex(ctx.from), to: toHex(ctx.to), value: '0x' + ctx.value.toString(16),
      gas: '0x' + ctx.gas.toString(16), gasUsed: '0x' + ctx.gasUsed.toString(16), input: toHex(ctx.input),
      output: toHex(ctx.output), time: ctx.time
    };
    if (this.root.calls.length > 0) call.calls = this.root.calls;
    if (ctx.error !== undefined) {
      call.error = ctx.error;
      if (ctx.error !== 'execution reverted' || call.output === '0x') delete call.output;
    }
    return call;
  }
}
