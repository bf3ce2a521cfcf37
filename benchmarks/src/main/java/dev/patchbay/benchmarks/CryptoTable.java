// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.crypto.CryptoChoices;
import dev.patchbay.evm.Precompiles;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Fork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Time of each precompiled contract on the valid inputs of the public suite: of a call in the mean,
 * and Mgas/s of all calls together and of the slowest, which says what a block full of it costs. A
 * second table compares the native libraries with Java where there are both.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write.
 */
public final class CryptoTable {
  private static final long NANOS_PER_CASE = 50_000_000;
  private static final long WARM_UP_NANOS = 2_000_000_000;

  private record Contract(String name, int address, Fork fork) {}

  private static final Map<String, Contract> FILES = new TreeMap<>();

  static {
    put("ecRecover", "ecrecover", 1, Fork.OSAKA);
    put("modexp_eip7883", "modexp", 5, Fork.OSAKA);
    put("bn256Add", "bn254 add", 6, Fork.OSAKA);
    put("bn256ScalarMul", "bn254 mul", 7, Fork.OSAKA);
    put("bn256Pairing", "bn254 pairing", 8, Fork.OSAKA);
    put("blake2F", "blake2f", 9, Fork.OSAKA);
    put("pointEvaluation", "KZG point evaluation", 10, Fork.OSAKA);
    put("blsG1Add", "BLS G1 add", 11, Fork.OSAKA);
    put("blsG1MultiExp", "BLS G1 MSM", 12, Fork.OSAKA);
    put("blsG2Add", "BLS G2 add", 13, Fork.OSAKA);
    put("blsG2MultiExp", "BLS G2 MSM", 14, Fork.OSAKA);
    put("blsPairing", "BLS pairing", 15, Fork.OSAKA);
    put("blsMapG1", "BLS map to G1", 16, Fork.OSAKA);
    put("blsMapG2", "BLS map to G2", 17, Fork.OSAKA);
    put("p256Verify", "P-256 verify", 256, Fork.OSAKA);
  }

  private static void put(String file, String name, int address, Fork fork) {
    FILES.put(file, new Contract(name, address, fork));
  }

  private CryptoTable() {}

  /** Measures all. */
  public static void main(String[] args) throws Exception {
    Path pack = Path.of(args[0]).resolve("../vectors/precompiles.tar.xz");
    List<Map<String, Object>> json = new ArrayList<>();
    System.out.printf(
        "%-22s %6s %12s %10s %10s  %s%n",
        "precompile", "cases", "ns a call", "Mgas/s", "slowest", "case");
    for (String simple : List.of("sha256:2", "ripemd160:3", "identity:4")) {
      String[] parts = simple.split(":", -1);
      Map<String, byte[]> cases = new LinkedHashMap<>();
      for (int size : new int[] {0, 128, 4096, 65_536}) {
        cases.put(size + " bytes", new byte[size]);
      }
      json.add(measure(new Contract(parts[0], Integer.parseInt(parts[1]), Fork.OSAKA), cases));
    }
    for (Map.Entry<String, Map<String, byte[]>> file : read(pack).entrySet()) {
      Contract contract = FILES.get(file.getKey());
      if (contract != null) {
        json.add(measure(contract, file.getValue()));
      }
    }
    System.out.printf("%n%-22s %16s %10s %16s %10s%n", "", "used", "ns a call", "", "ns a call");
    for (CryptoChoices.Choice choice : CryptoChoices.all()) {
      warmUp(choice.used());
      warmUp(choice.other());
      double used = nanos(choice.used());
      double other = nanos(choice.other());
      System.out.printf(
          "%-22s %16s %,10.0f %16s %,10.0f%n",
          choice.name(), choice.usedName(), used, choice.otherName(), other);
      json.add(Map.of("name", choice.name(), choice.usedName(), used, choice.otherName(), other));
    }
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(Path.of(args[1]).toFile(), json);
  }

  private static Map<String, Object> measure(Contract contract, Map<String, byte[]> cases) {
    byte[] address = new byte[20];
    address[18] = (byte) (contract.address >> 8);
    address[19] = (byte) contract.address;
    Precompiles.Contract code = Precompiles.of(contract.fork).get(Address.wrap(address));
    warmUp(() -> cases.values().forEach(code::run));
    double slowest = Double.MAX_VALUE;
    String slowestName = "";
    double gas = 0;
    double time = 0;
    for (Map.Entry<String, byte[]> each : cases.entrySet()) {
      byte[] input = each.getValue();
      double nanos = nanos(() -> code.run(input));
      double price = code.gas(input);
      gas += price;
      time += nanos;
      if (price * 1e3 / nanos < slowest) {
        slowest = price * 1e3 / nanos;
        slowestName = each.getKey();
      }
    }
    System.out.printf(
        "%-22s %6d %,12.0f %10.1f %10.1f  %s%n",
        contract.name, cases.size(), time / cases.size(), gas * 1e3 / time, slowest, slowestName);
    return Map.of(
        "name",
        contract.name,
        "nanosPerCall",
        time / cases.size(),
        "mgasPerSecond",
        gas * 1e3 / time,
        "slowestMgasPerSecond",
        slowest,
        "slowest",
        slowestName);
  }

  private static void warmUp(Runnable calls) {
    long start = System.nanoTime();
    do {
      calls.run();
    } while (System.nanoTime() - start < WARM_UP_NANOS);
  }

  /** Returns the least time of a call over ten tries or more. */
  private static double nanos(Runnable call) {
    long start = System.nanoTime();
    double best = Double.MAX_VALUE;
    do {
      long before = System.nanoTime();
      int calls = 0;
      do {
        call.run();
        calls++;
      } while (System.nanoTime() - before < NANOS_PER_CASE / 10);
      best = Math.min(best, (System.nanoTime() - before) / (double) calls);
    } while (System.nanoTime() - start < NANOS_PER_CASE);
    return best;
  }

  private static Map<String, Map<String, byte[]>> read(Path pack) throws IOException {
    Map<String, Map<String, byte[]>> out = new TreeMap<>();
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(Files.newInputStream(pack)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
        if (name.endsWith(".json") && !name.startsWith("fail-")) {
          Map<String, byte[]> cases = new LinkedHashMap<>();
          for (JsonNode test : new ObjectMapper().readTree(tar.readAllBytes())) {
            cases.put(
                test.get("Name").asText(), HexFormat.of().parseHex(test.get("Input").asText()));
          }
          out.put(name.replace(".json", ""), cases);
        }
      }
    }
    return out;
  }
}
