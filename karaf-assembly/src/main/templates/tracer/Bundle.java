package com.example.@PACKAGE@;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/** Lists the accounts that a transaction calls: {@code {"tracer": "@NAME@"}}. */
@Component(property = TracerFactory.NAME + "=@NAME@")
public final class @CLASS@ implements TracerFactory {
  @Override
  public Tracer create(Map<String, Object> config, TraceSubject subject) {
    List<String> called = new ArrayList<>();
    return new Tracer() {
      @Override
      public void onEnter(
          int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
        called.add(to.toString());
      }

      @Override
      public Object result() {
        return called;
      }
    };
  }
}
