// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/**
 * Reads which keys the bundles of this project accept, from their metatype documents (OSGi
 * Compendium, chapter 105). The documents of a bundle are read once.
 *
 * <p>Threading: any thread.
 */
final class MetatypeReader {
  private static final String OURS = "dev.patchbay.";
  private static final String FOLDER = "OSGI-INF/metatype";

  private final BundleContext context;

  /** By the id of the bundle; guarded by this. */
  private final Map<Long, Documents> read = new HashMap<>();

  /** The keys by PID or factory PID, of a bundle at one time. */
  private record Documents(long modified, Map<String, Set<String>> keys) {}

  MetatypeReader(BundleContext context) {
    this.context = context;
  }

  /** Returns the known keys by PID or factory PID. */
  synchronized Map<String, Set<String>> keys() {
    Map<String, Set<String>> out = new HashMap<>();
    Set<Long> present = new HashSet<>();
    for (Bundle bundle : context.getBundles()) {
      String name = bundle.getSymbolicName();
      if (name != null && name.startsWith(OURS)) {
        present.add(bundle.getBundleId());
        Documents documents = read.get(bundle.getBundleId());
        if (documents == null || documents.modified() != bundle.getLastModified()) {
          documents = new Documents(bundle.getLastModified(), documents(bundle));
          read.put(bundle.getBundleId(), documents);
        }
        out.putAll(documents.keys());
      }
    }
    read.keySet().retainAll(present);
    return out;
  }

  private static Map<String, Set<String>> documents(Bundle bundle) {
    Map<String, Set<String>> out = new HashMap<>();
    Enumeration<URL> files = bundle.findEntries(FOLDER, "*.xml", false);
    for (URL file : files == null ? Set.<URL>of() : Collections.list(files)) {
      try (InputStream in = file.openStream()) {
        out.putAll(parse(in));
      } catch (IOException | XMLStreamException unreadable) {
        continue; // whether a key is known is not known
      }
    }
    return out;
  }

  /**
   * Reads a document.
   *
   * @return its keys by the PIDs and factory PIDs that it designates
   */
  static Map<String, Set<String>> parse(InputStream document) throws XMLStreamException {
    XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    XMLStreamReader reader = factory.createXMLStreamReader(document);
    Map<String, Set<String>> classes = new HashMap<>();
    Map<String, Set<String>> out = new HashMap<>();
    Set<String> keys = new TreeSet<>();
    String pid = null;
    while (reader.hasNext()) {
      if (reader.next() != XMLStreamConstants.START_ELEMENT) {
        continue;
      }
      switch (reader.getLocalName()) {
        case "OCD" -> {
          keys = new TreeSet<>();
          classes.put(String.valueOf(reader.getAttributeValue(null, "id")), keys);
        }
        case "AD" -> keys.add(String.valueOf(reader.getAttributeValue(null, "id")));
        case "Designate" -> {
          String single = reader.getAttributeValue(null, "pid");
          pid = single == null ? reader.getAttributeValue(null, "factoryPid") : single;
        }
        case "Object" -> {
          Set<String> known = classes.get(reader.getAttributeValue(null, "ocdref"));
          if (pid != null && known != null) {
            out.put(pid, known);
          }
        }
        default -> {}
      }
    }
    return out;
  }
}
