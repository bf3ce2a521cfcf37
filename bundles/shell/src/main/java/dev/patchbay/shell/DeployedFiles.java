// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import java.io.File;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarFile;
import javax.xml.XMLConstants;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.parsers.SAXParserFactory;
import org.apache.felix.fileinstall.ArtifactInstaller;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/**
 * Warns of files in the deploy folder that are broken. Felix File Install asks each installer
 * whether it can handle a file, and says nothing when none can. This installer never can: another
 * one may, once it is there.
 *
 * <p>Threading: the threads of File Install.
 */
@Component(service = ArtifactInstaller.class, property = "service.ranking:Integer=-1000")
public final class DeployedFiles implements ArtifactInstaller {
  private static final Logger LOG = LoggerFactory.getLogger(DeployedFiles.class);

  /** More files than these are warned of more than once. */
  private static final int MAX_KNOWN = 1_000;

  /** The time of the last change of files that are known to be broken. */
  private final Map<File, Long> known = new ConcurrentHashMap<>();

  @Override
  public boolean canHandle(File artifact) {
    Long changed = artifact.lastModified();
    if (changed.equals(known.get(artifact))) {
      return false;
    }
    String fault = fault(artifact);
    if (fault == null) {
      known.remove(artifact);
      return false;
    }
    if (known.size() >= MAX_KNOWN) {
      known.clear();
    }
    known.put(artifact, changed);
    LOG.warn("{} is not deployed: {}. Copy it again", artifact, fault);
    return false;
  }

  /** Returns what is wrong with a file; null when nothing is, or the file is of another kind. */
  static @Nullable String fault(File artifact) {
    String name = artifact.getName().toLowerCase(Locale.ROOT);
    if (!artifact.isFile()) {
      return null;
    }
    try {
      if (name.endsWith(".jar") || name.endsWith(".kar")) {
        new JarFile(artifact).close();
      } else if (name.endsWith(".xml")) {
        parse(artifact);
      }
      return null;
    } catch (IOException | SAXException | ParserConfigurationException broken) {
      return name.endsWith(".xml")
          ? "it is not well-formed XML (" + broken.getMessage() + ")"
          : "it is not a whole archive (" + broken.getMessage() + ")";
    }
  }

  private static void parse(File artifact)
      throws IOException, SAXException, ParserConfigurationException {
    SAXParserFactory factory = SAXParserFactory.newDefaultInstance();
    factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
    factory.setFeature("http://xml.org/sax/features/external-parameter-entities", false);
    factory
        .newSAXParser()
        .parse(
            artifact,
            new DefaultHandler() {
              @Override
              public InputSource resolveEntity(@Nullable String publicId, String systemId) {
                return new InputSource(new java.io.StringReader(""));
              }
            });
  }

  @Override
  public void install(File artifact) {}

  @Override
  public void update(File artifact) {}

  @Override
  public void uninstall(File artifact) {}
}
