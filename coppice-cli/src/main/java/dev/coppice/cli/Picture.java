package dev.coppice.cli;

import com.github.weisj.jsvg.SVGDocument;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.view.FloatSize;
import dev.coppice.graph.AtomicFile;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** Writes a plot as SVG, which needs nothing, and as PNG, which needs the fonts of the system. */
final class Picture {
  private static final int SCALE = 2;

  /** Draws an SVG. */
  interface Renderer {
    /** Returns the picture of an SVG. */
    BufferedImage render(String svg) throws IOException;
  }

  private Picture() {}

  /**
   * Writes both files.
   *
   * @return an empty text, or a line that says why there is no PNG
   */
  static String write(Path folder, String name, String svg, Renderer renderer) throws IOException {
    AtomicFile.write(
        folder.resolve(name + ".svg"), out -> out.write(svg.getBytes(StandardCharsets.UTF_8)));
    BufferedImage image;
    try {
      image = renderer.render(svg);
    } catch (RuntimeException | LinkageError | InternalError | IOException e) {
      // A JDK without fonts fails in one of these ways, depending on what it finds missing first.
      String reason = e.getMessage();
      return "no PNG pictures, for this system cannot draw text ("
          + e.getClass().getSimpleName()
          + (reason == null ? "" : ": " + reason.lines().findFirst().orElse(""))
          + "); the SVG files are complete";
    }
    AtomicFile.write(folder.resolve(name + ".png"), out -> encode(image, out));
    return "";
  }

  private static void encode(BufferedImage image, OutputStream out) throws IOException {
    ImageIO.setUseCache(false);
    if (!ImageIO.write(image, "png", out)) {
      throw new IOException("this JDK cannot write PNG files");
    }
  }

  /** Draws an SVG at twice its size. */
  static BufferedImage render(String svg) throws IOException {
    System.setProperty("java.awt.headless", "true");
    SVGDocument document =
        new SVGLoader()
            .load(
                new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)),
                null,
                com.github.weisj.jsvg.parser.LoaderContext.createDefault());
    if (document == null) {
      throw new IOException("the SVG cannot be drawn");
    }
    FloatSize size = document.size();
    BufferedImage image =
        new BufferedImage(
            Math.round(SCALE * size.width),
            Math.round(SCALE * size.height),
            BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.scale(SCALE, SCALE);
      document.render(null, graphics);
    } finally {
      graphics.dispose();
    }
    return image;
  }
}
